"""Build the facts of every message, each variant once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from grome.bookings.models import Settlement
from grome.common.languages import Language
from grome.notifications.models import (
    AccountFacts,
    BookedItem,
    BookingFacts,
    ChatFacts,
    EndpointFacts,
    Facts,
    MessageKind,
    PaymentFacts,
    PayoutFacts,
    RenderedMessage,
    ReviewFacts,
    VerificationFacts,
    VerificationResult,
)
from grome.notifications.rendering import render
from grome.payments.models import Purpose

LINK: Final = "https://grome.example/app/bookings/7?from=mail&side=me"
UNSUBSCRIBE: Final = "https://grome.example/v1/unsubscribe/" + "k3J9_-" * 20 + "?kind=booking"
WITH_CODE: Final = (
    MessageKind.VERIFY_EMAIL,
    MessageKind.VERIFY_PHONE,
    MessageKind.RESET_PASSWORD,
    MessageKind.SIGN_IN_CODE,
    MessageKind.SECOND_FACTOR_CODE,
)
ACCOUNT: Final = (
    MessageKind.WELCOME,
    MessageKind.ADDRESS_TAKEN,
    MessageKind.PASSWORD_CHANGED,
    MessageKind.EMAIL_CHANGED,
    MessageKind.PHONE_CHANGED,
    MessageKind.NEW_DEVICE,
    MessageKind.SESSION_ENDED,
    MessageKind.FACTOR_ADDED,
    MessageKind.FACTOR_REMOVED,
    MessageKind.RECOVERY_CODE_USED,
    MessageKind.SUSPICIOUS_SIGN_IN,
    MessageKind.EXPORT_READY,
    MessageKind.ACCOUNT_DELETED,
    MessageKind.ACCOUNT_SUSPENDED,
    MessageKind.ACCOUNT_RESTORED,
)
TO_CUSTOMERS: Final = (
    MessageKind.BOOKING_OFFERED,
    MessageKind.BOOKING_DELAYED,
    MessageKind.BOOKING_ON_THE_WAY,
    MessageKind.BOOKING_ARRIVED,
    MessageKind.REVIEW_REQUEST,
)
TO_BARBERS: Final = (MessageKind.BOOKING_TIPPED,)
TO_EITHER: Final = tuple(
    kind
    for kind in MessageKind
    if (kind.startswith("booking_") or kind is MessageKind.RECEIPT) and kind not in TO_CUSTOMERS + TO_BARBERS
)
BOOKING: Final = (*TO_CUSTOMERS, *TO_BARBERS, *TO_EITHER)
_OTHER_SIDE: Final = {"name": "Corner Barbers", "other_name": "Sam", "to_barber": True}
_BEFORE: Final = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
# Facts of a kind beyond the common facts.
FACTS_BY_KIND: Final[dict[MessageKind, dict[str, Any]]] = {
    MessageKind.BOOKING_DECLINED: {"reason": "expired"},
    MessageKind.BOOKING_CANCELLED: {"reason": "customer"},
    MessageKind.BOOKING_REQUESTED: {"note": "Short at the sides, please."},
    MessageKind.BOOKING_CHANGED: {"other_time": _BEFORE},
    MessageKind.BOOKING_OFFERED: {"answer_by": datetime(2026, 7, 15, 9, 40, tzinfo=UTC)},
    MessageKind.BOOKING_DELAYED: {"late_min": 25, "other_time": datetime(2026, 7, 15, 12, 5, tzinfo=UTC)},
    MessageKind.BOOKING_TIME_PROPOSED: {
        "other_time": _BEFORE,
        "answer_by": datetime(2026, 7, 13, 16, 0, tzinfo=UTC),
    },
    MessageKind.BOOKING_TIME_KEPT: {"other_time": _BEFORE, "reason": "rejected"},
    MessageKind.BOOKING_TIPPED: {"tip": 500},
}


_VARIANTS: Final = {
    MessageKind.PAYMENT_ACTION: ("",),
    MessageKind.PAYMENT_FAILED: ("",),
    MessageKind.PAYMENT_SCHEDULED: ("",),
    MessageKind.PAYMENT_RECEIVED: ("customer", "barber"),
    MessageKind.PAYMENT_REFUND: ("started", "late", "sent", "failed"),
    MessageKind.PAYMENT_DISPUTED: ("opened", "won", "lost"),
}


@dataclass(frozen=True)
class Sample:
    kind: MessageKind
    variant: str
    facts: Facts

    def __str__(self) -> str:
        return f"{self.kind} {self.variant}".rstrip()

    def render(self, language: Language, timezone: str = "Europe/Berlin") -> RenderedMessage:
        return render(self.kind, self.facts, language, timezone, UNSUBSCRIBE)


def booking_facts(**changes: Any) -> BookingFacts:
    """Build facts of a visit on Wednesday, 14:30 to 15:15 in Berlin, by default for the customer."""
    facts: dict[str, Any] = {
        "booking_id": "7",
        "name": "Sam",
        "other_name": "Corner Barbers",
        "to_barber": False,
        "items": [BookedItem("Haircut", 3200), BookedItem("Beard trim", 1450)],
        "price": 4650,
        "currency": "EUR",
        "starts_at": datetime(2026, 7, 15, 12, 30, tzinfo=UTC),
        "ends_at": datetime(2026, 7, 15, 13, 15, tzinfo=UTC),
        "timezone": "Europe/Berlin",
        "link": LINK,
    }
    return BookingFacts(**{**facts, **changes})


def account_facts(kind: MessageKind, **changes: Any) -> AccountFacts:
    facts: dict[str, Any] = {"name": "Sam", "link": LINK}
    if kind in {MessageKind.NEW_DEVICE, MessageKind.SESSION_ENDED}:
        facts |= {"device": "Pixel 8", "at": datetime(2026, 7, 15, 12, 30, tzinfo=UTC)}
    return AccountFacts(**{**facts, **changes})


def review_facts(**changes: Any) -> ReviewFacts:
    facts = {"name": "Sam", "other_name": "Zoë", "stars": 4, "words": "Quick and precise.", "link": LINK}
    return ReviewFacts(**{**facts, **changes})


def payment_facts(kind: MessageKind, variant: str, **changes: Any) -> PaymentFacts:
    has_deadline = kind in {MessageKind.PAYMENT_ACTION, MessageKind.PAYMENT_FAILED}
    facts: dict[str, Any] = {
        "booking_id": "7",
        "name": "Sam",
        "other_name": "Zoë" if variant in {"barber", "opened", "won", "lost"} else "Corner Barbers",
        "variant": variant,
        "purpose": Purpose.FEE if variant == "barber" else Purpose.VISIT,
        "amount": 4_650,
        "currency": "EUR",
        "starts_at": datetime(2026, 7, 15, 12, 30, tzinfo=UTC),
        "timezone": "Europe/Berlin",
        "link": LINK,
        "pay_by": datetime(2026, 7, 14, 10, 0, tzinfo=UTC) if has_deadline else None,
    }
    return PaymentFacts(**{**facts, **changes})


def payout_facts(**changes: Any) -> PayoutFacts:
    facts: dict[str, Any] = {
        "name": "Sam",
        "amount": 84_250,
        "currency": "EUR",
        "at": datetime(2026, 7, 15, 12, 30, tzinfo=UTC),
        "timezone": "Europe/Berlin",
        "link": LINK,
    }
    return PayoutFacts(**{**facts, **changes})


def samples(**booking: Any) -> Iterator[Sample]:
    """Yield every kind in each of its variants; `booking` changes the facts of bookings."""
    for kind in ACCOUNT:
        yield Sample(kind, "", account_facts(kind))
    for kind in WITH_CODE:
        yield Sample(kind, "by code", account_facts(kind, link=None, code="48291307"))
    for kind in MessageKind:
        if kind in TO_CUSTOMERS + TO_EITHER:
            yield from _to_customer(kind, booking)
        if kind in TO_BARBERS + TO_EITHER:
            yield from _to_barber(kind, booking)
    yield Sample(MessageKind.REVIEW_POSTED, "", review_facts())
    yield Sample(MessageKind.REVIEW_POSTED, "without words", review_facts(words=""))
    yield Sample(MessageKind.REVIEW_ANSWERED, "", review_facts(words="Thank you, come again!"))
    for words in ("Can I come a little later?", ""):
        facts_of_chat = ChatFacts(booking_id="7", name="Sam", other_name="Corner Barbers", words=words, link=LINK)
        yield Sample(MessageKind.MESSAGE_RECEIVED, "" if words else "photo", facts_of_chat)
    yield from _about_money({name: value for name, value in booking.items() if name == "currency"})
    for is_disabled in (False, True):
        facts = EndpointFacts(
            name="Sam",
            host="hooks.example.com",
            since=datetime(2026, 7, 15, 12, 30, tzinfo=UTC),
            is_disabled=is_disabled,
            link=LINK,
        )
        yield Sample(MessageKind.WEBHOOK_FAILING, "disabled" if is_disabled else "warning", facts)
    results: tuple[tuple[VerificationResult, str | None], ...] = (
        ("approved", None),
        ("rejected", "The photo is too dark to read."),
        ("asked_again", "Please send both sides."),
    )
    for result, notes in results:
        facts = VerificationFacts(name="Sam", result=result, link=LINK, notes=notes)
        yield Sample(MessageKind.VERIFICATION_RESULT, result, facts)


def _to_customer(kind: MessageKind, changed: dict[str, Any]) -> Iterator[Sample]:
    facts = {**FACTS_BY_KIND.get(kind, {}), **changed}
    yield Sample(kind, "to the customer", booking_facts(**facts))
    if kind is MessageKind.BOOKING_CANCELLED:
        cost = {"reason": "no_show", "settlement": Settlement(fee=2300, refund=0, due=1300)}
        yield Sample(kind, "to the customer, for a fee", booking_facts(**{**facts, **cost}))
    if kind is MessageKind.BOOKING_TIME_KEPT:
        withdrawn = {**facts, "is_request": True, "reason": "withdrawn"}
        yield Sample(kind, "to the customer, of a request", booking_facts(**withdrawn))


def _to_barber(kind: MessageKind, changed: dict[str, Any]) -> Iterator[Sample]:
    facts = {**FACTS_BY_KIND.get(kind, {}), **_OTHER_SIDE, **changed}
    yield Sample(kind, "to the barber", booking_facts(**facts))
    if kind is MessageKind.BOOKING_TIME_KEPT:
        lapsed = {**facts, "is_request": True, "reason": "lapsed"}
        yield Sample(kind, "to the barber, of a request", booking_facts(**lapsed))


def _about_money(changed: dict[str, Any]) -> Iterator[Sample]:
    for kind, variants in _VARIANTS.items():
        for variant in variants:
            yield Sample(kind, variant, payment_facts(kind, variant, **changed))
    for failure in ("failed", "returned", "bank"):
        yield Sample(MessageKind.PAYOUT_FAILED, failure, payout_facts(failure=failure, **changed))
    yield Sample(MessageKind.PAYOUT, "", payout_facts(**changed))
