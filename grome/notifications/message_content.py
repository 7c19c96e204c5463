"""What the facts of a message are to its reader: which text is theirs, what fills it, and the rows of its table."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from grome.common.formats import wall_time
from grome.notifications.localizer import Reader
from grome.notifications.models import (
    AccountFacts,
    BookingFacts,
    EndpointFacts,
    Facts,
    MessageKind,
    PayoutFacts,
    ReviewFacts,
    VerificationFacts,
)
from grome.notifications.user_text import Typed

_MOST_STARS: Final = 5
_WITH_CODE: Final = frozenset({MessageKind.VERIFY_EMAIL, MessageKind.RESET_PASSWORD})
_WITHOUT_PRICES: Final = frozenset(
    {
        MessageKind.BOOKING_DECLINED,
        MessageKind.BOOKING_CANCELLED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_TIME_PROPOSED,
        MessageKind.BOOKING_TIME_KEPT,
        MessageKind.BOOKING_TIPPED,
        MessageKind.REVIEW_REQUEST,
    }
)
_FOR_ONE_SIDE: Final = frozenset(
    {
        MessageKind.BOOKING_OFFERED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_TIPPED,
        MessageKind.REVIEW_REQUEST,
    }
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
        case EndpointFacts():
            return _endpoint(kind, facts, reader)
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
        "tip": reader.price(facts.tip, facts.currency),
        "fee": reader.price(facts.settlement.fee if facts.settlement else 0, facts.currency),
        "delay": reader.minutes(facts.late_min),
    }
    if facts.answer_by:
        until = wall_time(facts.answer_by, ZoneInfo(facts.timezone))
        values["until"] = reader.time(until) if kind is MessageKind.BOOKING_OFFERED else reader.moment(until)
    return Telling(f"{kind}{_variant(kind, facts)}", values, list(_booking_rows(kind, facts, reader)), link=facts.link)


def _variant(kind: MessageKind, facts: BookingFacts) -> str:
    if kind in _FOR_ONE_SIDE:
        return ""
    side = "-barber" if facts.to_barber else "-customer"
    if kind is MessageKind.BOOKING_TIME_KEPT and facts.is_request:
        return f"{side}-request"
    has_fee = facts.settlement is not None and facts.settlement.fee > 0
    return f"{side}-fee" if kind is MessageKind.BOOKING_CANCELLED and has_fee and not facts.to_barber else side


def _booking_rows(kind: MessageKind, facts: BookingFacts, reader: Reader) -> Iterator[Row]:
    words, zone = reader.wording.words, ZoneInfo(facts.timezone)
    starts, ends = wall_time(facts.starts_at, zone), wall_time(facts.ends_at, zone)
    yield Row(words.date, reader.date(starts))
    yield Row(words.time, reader.times(starts, ends))
    if facts.other_time:
        label = {MessageKind.BOOKING_TIME_PROPOSED: words.current, MessageKind.BOOKING_TIME_KEPT: words.proposed}
        yield Row(label.get(kind, words.previous), reader.moment(wall_time(facts.other_time, zone)))
    if facts.answer_by:
        yield Row(words.held_until, reader.moment(wall_time(facts.answer_by, zone)))
    yield from _sums(kind, facts, reader)
    if facts.reason:
        yield Row(words.reason, _reason(kind, facts.reason, reader, to_barber=facts.to_barber))
    if facts.note:
        yield Row(words.note, reader.typed(facts.note))


def _sums(kind: MessageKind, facts: BookingFacts, reader: Reader) -> Iterator[Row]:
    words = reader.wording.words

    def row(label: str | Typed, amount: int, *, strong: bool = False) -> Row:
        return Row(label, reader.price(amount, facts.currency), strong)

    if kind is MessageKind.BOOKING_TIPPED:
        yield row(words.tip, facts.tip, strong=True)
    if kind is MessageKind.BOOKING_CANCELLED and facts.settlement:
        cost = facts.settlement
        told = ((words.fee, cost.fee), (words.refund, cost.refund), (words.due, cost.due))
        yield from (row(label, amount) for label, amount in told[: 1 if facts.to_barber else None] if amount)
    if kind not in _WITHOUT_PRICES:
        yield from (row(reader.typed(item.name), item.price) for item in facts.items)
        if facts.discount:
            yield row(words.discount, -facts.discount.amount)
        yield row(words.total, facts.price, strong=True)


def _reason(kind: MessageKind, reason: str, reader: Reader, *, to_barber: bool) -> str | Typed:
    """One of the reasons that Grome knows has its words; anything else somebody has typed."""
    reasons = reader.wording.proposals if kind is MessageKind.BOOKING_TIME_KEPT else reader.wording.reasons
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


def _endpoint(kind: MessageKind, facts: EndpointFacts, reader: Reader) -> Telling:
    since = reader.moment(wall_time(facts.since, reader.zone))
    values: dict[str, str | Typed] = {
        "name": reader.typed(facts.name),
        "host": reader.typed(facts.host),
        "since": since,
    }
    state = "disabled" if facts.is_disabled else "warning"
    return Telling(f"{kind}-{state}", values, link=facts.link)
