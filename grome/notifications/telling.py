"""What the facts of a message are to its reader: which text is theirs, what fills it, and the rows of its table."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from grome.notifications.formats import wall_time
from grome.notifications.models import (
    AccountFacts,
    BookingFacts,
    Facts,
    MessageKind,
    PayoutFacts,
    ReviewFacts,
    VerificationFacts,
)
from grome.notifications.reader import Reader
from grome.notifications.typed import Typed

_MOST_STARS: Final = 5
_WITH_CODE: Final = frozenset({MessageKind.VERIFY_EMAIL, MessageKind.RESET_PASSWORD})
_WITHOUT_PRICES: Final = frozenset(
    {MessageKind.BOOKING_DECLINED, MessageKind.BOOKING_CANCELLED, MessageKind.REVIEW_REQUEST}
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; a strong one is the sum of those above."""

    label: str | Typed
    value: str | Typed
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Telling:
    """`text` names one of the messages of the wording, `values` fill it."""

    text: str
    values: dict[str, str | Typed]
    rows: list[Row] = field(default_factory=list)
    code: str | None = None
    link: str | None = None


def telling(kind: MessageKind, facts: Facts, reader: Reader) -> Telling:
    match facts:
        case AccountFacts():
            return _account(kind, facts, reader)
        case BookingFacts():
            return _booking(kind, facts, reader)
        case ReviewFacts():
            return _review(kind, facts, reader)
        case PayoutFacts():
            return _payout(kind, facts, reader)
        case VerificationFacts():
            return _verification(kind, facts, reader)
        case _:
            assert_never(facts)


def _account(kind: MessageKind, facts: AccountFacts, reader: Reader) -> Telling:
    words = reader.wording.words
    device = reader.typed(facts.device) if facts.device else words.unknown_device
    values: dict[str, str | Typed] = {
        "name": reader.typed(facts.name),
        "device": device,
        "code": facts.code or "",
    }
    rows = [Row(words.device, device)] if facts.device else []
    if facts.at:
        wall = wall_time(facts.at, reader.zone)
        rows += [Row(words.date, reader.date(wall)), Row(words.time, reader.times(wall, wall))]
    variant = ("-code" if facts.code else "-link") if kind in _WITH_CODE else ""
    return Telling(f"{kind}{variant}", values, rows, facts.code, facts.link)


def _booking(kind: MessageKind, facts: BookingFacts, reader: Reader) -> Telling:
    starts = wall_time(facts.starts_at, ZoneInfo(facts.timezone))
    values: dict[str, str | Typed] = {
        "name": reader.typed(facts.name),
        "other_name": reader.typed(facts.other_name),
        "day": reader.day(starts),
        "time": reader.time(starts),
        "price": reader.price(facts.price, facts.currency),
    }
    variant = "" if kind is MessageKind.REVIEW_REQUEST else "-barber" if facts.to_barber else "-customer"
    return Telling(f"{kind}{variant}", values, list(_booking_rows(kind, facts, reader)), link=facts.link)


def _booking_rows(kind: MessageKind, facts: BookingFacts, reader: Reader) -> Iterator[Row]:
    words, zone = reader.wording.words, ZoneInfo(facts.timezone)
    starts, ends = wall_time(facts.starts_at, zone), wall_time(facts.ends_at, zone)
    yield Row(words.date, reader.date(starts))
    yield Row(words.time, reader.times(starts, ends))
    if kind not in _WITHOUT_PRICES:
        for item in facts.items:
            yield Row(reader.typed(item.name), reader.price(item.price, facts.currency))
        yield Row(words.total, reader.price(facts.price, facts.currency), strong=True)
    if facts.reason:
        yield Row(words.reason, _reason(facts.reason, reader, to_barber=facts.to_barber))
    if facts.note:
        yield Row(words.note, reader.typed(facts.note))


def _reason(reason: str, reader: Reader, *, to_barber: bool) -> str | Typed:
    """One of the reasons that Grome knows has its words; anything else somebody has typed."""
    reasons = reader.wording.reasons
    known = reasons.barber if to_barber else reasons.customer
    return known.get(reason) or reader.typed(reason)


def _review(kind: MessageKind, facts: ReviewFacts, reader: Reader) -> Telling:
    words = reader.wording.words
    values: dict[str, str | Typed] = {"name": reader.typed(facts.name), "other_name": reader.typed(facts.other_name)}
    is_answer = kind is MessageKind.REVIEW_ANSWERED
    rows = [] if is_answer else [Row(words.stars, "★" * facts.stars + "☆" * (_MOST_STARS - facts.stars))]
    if facts.words:
        rows.append(Row(words.answer if is_answer else words.review, reader.typed(facts.words)))
    return Telling(str(kind), values, rows, link=facts.link)


def _payout(kind: MessageKind, facts: PayoutFacts, reader: Reader) -> Telling:
    words, amount = reader.wording.words, reader.price(facts.amount, facts.currency)
    wall = wall_time(facts.at, ZoneInfo(facts.timezone))
    rows = [Row(words.date, reader.date(wall)), Row(words.amount, amount, strong=True)]
    return Telling(str(kind), {"name": reader.typed(facts.name), "amount": amount}, rows, link=facts.link)


def _verification(kind: MessageKind, facts: VerificationFacts, reader: Reader) -> Telling:
    rows = [Row(reader.wording.words.note, reader.typed(facts.notes))] if facts.notes else []
    result = "approved" if facts.approved else "rejected"
    return Telling(f"{kind}-{result}", {"name": reader.typed(facts.name)}, rows, link=facts.link)
