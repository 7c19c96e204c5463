"""Facts for every message there is, each variant once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, get_args

from grome.notifications.models import (
    AccountFacts,
    BookedItem,
    BookingFacts,
    Facts,
    Language,
    MessageKind,
    PayoutFacts,
    Rendered,
    ReviewFacts,
    VerificationFacts,
)
from grome.notifications.rendering import render

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
LINK: Final = "https://grome.example/app/bookings/7?from=mail&side=me"
UNSUBSCRIBE: Final = "https://grome.example/v1/unsubscribe/" + "k3J9_-" * 20 + "?kind=booking"
ACCOUNT: Final = (MessageKind.WELCOME, MessageKind.VERIFY_EMAIL, MessageKind.RESET_PASSWORD, MessageKind.NEW_DEVICE)
BOOKING: Final = (
    *(kind for kind in MessageKind if kind.startswith("booking_")),
    MessageKind.RECEIPT,
    MessageKind.REVIEW_REQUEST,
)


@dataclass(frozen=True)
class Sample:
    kind: MessageKind
    variant: str
    facts: Facts

    def __str__(self) -> str:
        return f"{self.kind} {self.variant}".rstrip()

    def rendered(self, language: Language, timezone: str = "Europe/Berlin") -> Rendered:
        return render(self.kind, self.facts, language, timezone, UNSUBSCRIBE)


def booking_facts(**changes: Any) -> BookingFacts:
    """Wednesday, 14:30 to 15:15 in Berlin, by default read by the customer."""
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
    if kind is MessageKind.NEW_DEVICE:
        facts |= {"device": "Pixel 8", "at": datetime(2026, 7, 15, 12, 30, tzinfo=UTC)}
    return AccountFacts(**{**facts, **changes})


def review_facts(**changes: Any) -> ReviewFacts:
    facts = {"name": "Sam", "other_name": "Zoë", "stars": 4, "words": "Quick and precise.", "link": LINK}
    return ReviewFacts(**{**facts, **changes})


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
    """Every kind in each of its variants; `booking` changes the facts of bookings."""
    for kind in ACCOUNT:
        yield Sample(kind, "", account_facts(kind))
        if kind in {MessageKind.VERIFY_EMAIL, MessageKind.RESET_PASSWORD}:
            yield Sample(kind, "by code", account_facts(kind, link=None, code="482913"))
    for kind in BOOKING:
        told = {"reason": "expired"} if kind is MessageKind.BOOKING_DECLINED else {}
        told |= {"reason": "customer"} if kind is MessageKind.BOOKING_CANCELLED else {}
        told |= {"note": "Short at the sides, please."} if kind is MessageKind.BOOKING_REQUESTED else {}
        yield Sample(kind, "to the customer", booking_facts(**{**told, **booking}))
        if kind is not MessageKind.REVIEW_REQUEST:
            other = {"name": "Corner Barbers", "other_name": "Sam", "to_barber": True}
            yield Sample(kind, "to the barber", booking_facts(**{**told, **other, **booking}))
    yield Sample(MessageKind.REVIEW_POSTED, "", review_facts())
    yield Sample(MessageKind.REVIEW_POSTED, "without words", review_facts(words=""))
    yield Sample(MessageKind.REVIEW_ANSWERED, "", review_facts(words="Thank you, come again!"))
    yield Sample(MessageKind.PAYOUT, "", payout_facts(**{k: v for k, v in booking.items() if k == "currency"}))
    for approved, notes in ((True, None), (False, "The photo is too dark to read.")):
        facts = VerificationFacts(name="Sam", approved=approved, link=LINK, notes=notes)
        yield Sample(MessageKind.VERIFICATION_RESULT, "approved" if approved else "rejected", facts)
