"""Select the text of a message for its reader, and build the values and the table that fill it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from grome.common.formats import wall_time
from grome.notifications.localizer import Localizer
from grome.notifications.models import (
    AccountFacts,
    BookingFacts,
    ChatFacts,
    EndpointFacts,
    Facts,
    MessageKind,
    PaymentFacts,
    PayoutFacts,
    ReviewFacts,
    VerificationFacts,
)
from grome.notifications.user_text import UserText
from grome.payments.models import Purpose

_MAX_STARS: Final = 5
_WITHOUT_PRICES: Final = frozenset(
    {
        MessageKind.BOOKING_DECLINED,
        MessageKind.BOOKING_CANCELLED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_ON_THE_WAY,
        MessageKind.BOOKING_ARRIVED,
        MessageKind.BOOKING_TIME_PROPOSED,
        MessageKind.BOOKING_TIME_KEPT,
        MessageKind.BOOKING_TIPPED,
        MessageKind.REVIEW_REQUEST,
    }
)
_SINGLE_READER: Final = frozenset(
    {
        MessageKind.BOOKING_OFFERED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_ON_THE_WAY,
        MessageKind.BOOKING_ARRIVED,
        MessageKind.BOOKING_TIPPED,
        MessageKind.REVIEW_REQUEST,
    }
)


@dataclass(frozen=True, slots=True)
class TableRow:
    """Holds a line of the table; a strong row is the sum of the rows above it."""

    label: str | UserText
    value: str | UserText
    strong: bool = False


@dataclass(frozen=True, slots=True)
class MessageContent:
    """Holds the content of a message: `text_key` selects one of the translated messages, `values` fill it."""

    text_key: str
    values: dict[str, str | UserText]
    rows: list[TableRow] = field(default_factory=list)
    code: str | None = None
    link: str | None = None


def build_content(  # noqa: PLR0911 -- a table, one row a type
    kind: MessageKind, facts: Facts, localizer: Localizer
) -> MessageContent:
    match facts:
        case AccountFacts():
            return _account(kind, facts, localizer)
        case BookingFacts():
            return _booking(kind, facts, localizer)
        case ReviewFacts():
            return _review(kind, facts, localizer)
        case ChatFacts():
            return _chat(kind, facts, localizer)
        case PaymentFacts() | PayoutFacts():
            return (
                _payment(kind, facts, localizer) if isinstance(facts, PaymentFacts) else _payout(kind, facts, localizer)
            )
        case VerificationFacts():
            return _verification(kind, facts, localizer)
        case EndpointFacts():
            return _endpoint(kind, facts, localizer)
        case _:
            assert_never(facts)


def _account(kind: MessageKind, facts: AccountFacts, localizer: Localizer) -> MessageContent:
    words = localizer.translations.words
    device = localizer.user_text(facts.device) if facts.device else words.unknown_device
    values: dict[str, str | UserText] = {
        "name": localizer.user_text(facts.name),
        "device": device,
        "code": facts.code or "",
    }
    rows = [TableRow(words.device, device)] if facts.device else []
    if facts.at:
        wall = wall_time(facts.at, localizer.zone)
        rows += [TableRow(words.date, localizer.date(wall)), TableRow(words.time, localizer.time_range(wall, wall))]
    return MessageContent(str(kind), values, rows, facts.code, facts.link)


def _booking(kind: MessageKind, facts: BookingFacts, localizer: Localizer) -> MessageContent:
    starts = wall_time(facts.starts_at, ZoneInfo(facts.timezone))
    values: dict[str, str | UserText] = {
        "name": localizer.user_text(facts.name),
        "other_name": localizer.user_text(facts.other_name),
        "day": localizer.day(starts),
        "time": localizer.time(starts),
        "price": localizer.price(facts.price, facts.currency),
        "tip": localizer.price(facts.tip, facts.currency),
        "fee": localizer.price(facts.settlement.fee if facts.settlement else 0, facts.currency),
        "delay": localizer.minutes(facts.late_min),
    }
    if facts.answer_by:
        until = wall_time(facts.answer_by, ZoneInfo(facts.timezone))
        values["until"] = localizer.time(until) if kind is MessageKind.BOOKING_OFFERED else localizer.moment(until)
    return MessageContent(
        f"{kind}{_variant(kind, facts)}", values, list(_booking_rows(kind, facts, localizer)), link=facts.link
    )


def _variant(kind: MessageKind, facts: BookingFacts) -> str:
    if kind in _SINGLE_READER:
        return ""
    side = "-barber" if facts.to_barber else "-customer"
    if kind is MessageKind.BOOKING_TIME_KEPT and facts.is_request:
        return f"{side}-request"
    has_fee = facts.settlement is not None and facts.settlement.fee > 0
    return f"{side}-fee" if kind is MessageKind.BOOKING_CANCELLED and has_fee and not facts.to_barber else side


def _booking_rows(kind: MessageKind, facts: BookingFacts, localizer: Localizer) -> Iterator[TableRow]:
    words, zone = localizer.translations.words, ZoneInfo(facts.timezone)
    starts, ends = wall_time(facts.starts_at, zone), wall_time(facts.ends_at, zone)
    yield TableRow(words.date, localizer.date(starts))
    yield TableRow(words.time, localizer.time_range(starts, ends))
    if facts.other_time:
        label = {MessageKind.BOOKING_TIME_PROPOSED: words.current, MessageKind.BOOKING_TIME_KEPT: words.proposed}
        yield TableRow(label.get(kind, words.previous), localizer.moment(wall_time(facts.other_time, zone)))
    if facts.answer_by:
        yield TableRow(words.held_until, localizer.moment(wall_time(facts.answer_by, zone)))
    yield from _amount_rows(kind, facts, localizer)
    if facts.reason:
        yield TableRow(words.reason, _reason(kind, facts.reason, localizer, to_barber=facts.to_barber))
    if facts.note:
        yield TableRow(words.note, localizer.user_text(facts.note))


def _amount_rows(kind: MessageKind, facts: BookingFacts, localizer: Localizer) -> Iterator[TableRow]:
    words = localizer.translations.words

    def row(label: str | UserText, amount: int, *, strong: bool = False) -> TableRow:
        return TableRow(label, localizer.price(amount, facts.currency), strong)

    if kind is MessageKind.BOOKING_TIPPED:
        yield row(words.tip, facts.tip, strong=True)
    if kind is MessageKind.BOOKING_CANCELLED and facts.settlement:
        cost = facts.settlement
        amounts = ((words.fee, cost.fee), (words.refund, cost.refund), (words.due, cost.due))
        yield from (row(label, amount) for label, amount in amounts[: 1 if facts.to_barber else None] if amount)
    if kind not in _WITHOUT_PRICES:
        yield from (row(localizer.user_text(item.name), item.price) for item in facts.items)
        if facts.discount:
            yield row(words.discount, -facts.discount.amount)
        yield row(words.total, facts.price, strong=True)


def _reason(kind: MessageKind, reason: str, localizer: Localizer, *, to_barber: bool) -> str | UserText:
    """Return the translation of a reason that Grome knows; any other reason is user text."""
    reasons = (
        localizer.translations.proposals if kind is MessageKind.BOOKING_TIME_KEPT else localizer.translations.reasons
    )
    known = reasons.barber if to_barber else reasons.customer
    return known.get(reason) or localizer.user_text(reason)


def _review(kind: MessageKind, facts: ReviewFacts, localizer: Localizer) -> MessageContent:
    words = localizer.translations.words
    values: dict[str, str | UserText] = {
        "name": localizer.user_text(facts.name),
        "other_name": localizer.user_text(facts.other_name),
    }
    is_answer = kind is MessageKind.REVIEW_ANSWERED
    rows = [] if is_answer else [TableRow(words.stars, "★" * facts.stars + "☆" * (_MAX_STARS - facts.stars))]
    if facts.words:
        rows.append(TableRow(words.answer if is_answer else words.review, localizer.user_text(facts.words)))
    return MessageContent(str(kind), values, rows, link=facts.link)


def _chat(kind: MessageKind, facts: ChatFacts, localizer: Localizer) -> MessageContent:
    values: dict[str, str | UserText] = {
        "name": localizer.user_text(facts.name),
        "other_name": localizer.user_text(facts.other_name),
        "words": localizer.user_text(facts.words),
    }
    return MessageContent(str(kind) if facts.words else f"{kind}-photo", values, link=facts.link)


def _payment(kind: MessageKind, facts: PaymentFacts, localizer: Localizer) -> MessageContent:
    words, zone = localizer.translations.words, ZoneInfo(facts.timezone)
    starts, amount = wall_time(facts.starts_at, zone), localizer.price(facts.amount, facts.currency)
    values: dict[str, str | UserText] = {
        "name": localizer.user_text(facts.name),
        "other_name": localizer.user_text(facts.other_name),
        "day": localizer.day(starts),
        "amount": amount,
    }
    purposes = {
        Purpose.DEPOSIT: words.deposit,
        Purpose.VISIT: words.visit,
        Purpose.TIP: words.tip,
        Purpose.FEE: words.fee,
    }
    label = words.refund if kind is MessageKind.PAYMENT_REFUND else purposes[facts.purpose]
    rows = [
        TableRow(words.date, localizer.date(starts)),
        TableRow(words.time, localizer.time_range(starts, starts)),
        TableRow(label, amount, strong=True),
    ]
    if facts.pay_by:
        rows.append(TableRow(words.pay_by, localizer.moment(wall_time(facts.pay_by, zone))))
    return MessageContent(f"{kind}-{facts.variant}" if facts.variant else str(kind), values, rows, link=facts.link)


def _payout(kind: MessageKind, facts: PayoutFacts, localizer: Localizer) -> MessageContent:
    words = localizer.translations.words
    amount = localizer.price(facts.amount, facts.currency) if facts.currency else ""
    wall = wall_time(facts.at, ZoneInfo(facts.timezone))
    rows = [TableRow(words.date, localizer.date(wall))]
    if facts.failure != "bank":  # Stripe's message about the bank names no payout of Grome's
        rows.append(TableRow(words.amount, amount, strong=True))
    values: dict[str, str | UserText] = {"name": localizer.user_text(facts.name), "amount": amount}
    return MessageContent(f"{kind}-{facts.failure}" if facts.failure else str(kind), values, rows, link=facts.link)


def _verification(kind: MessageKind, facts: VerificationFacts, localizer: Localizer) -> MessageContent:
    rows = [TableRow(localizer.translations.words.note, localizer.user_text(facts.notes))] if facts.notes else []
    return MessageContent(f"{kind}-{facts.result}", {"name": localizer.user_text(facts.name)}, rows, link=facts.link)


def _endpoint(kind: MessageKind, facts: EndpointFacts, localizer: Localizer) -> MessageContent:
    since = localizer.moment(wall_time(facts.since, localizer.zone))
    values: dict[str, str | UserText] = {
        "name": localizer.user_text(facts.name),
        "host": localizer.user_text(facts.host),
        "since": since,
    }
    state = "disabled" if facts.is_disabled else "warning"
    return MessageContent(f"{kind}-{state}", values, link=facts.link)
