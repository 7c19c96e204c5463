"""What a message tells: looked up when it is told, so that it is what is so then."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.accounts.models import Device, User
from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.models import Booking, HistoryEntry, Status
from grome.bookings.service import BookingService
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.notifications.models import AccountFacts, BookedItem, BookingFacts, Facts, MessageKind, Notice, ReviewFacts
from grome.notifications.rules import LEAST_LEFT
from grome.reviews.service import ReviewService

# What comes so late may have been overtaken by what was told since.
LATE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`about` is the same of two messages of a kind that say the same; None where each is news.

    `is_overtaken`: it is told late, and the booking has changed since.
    """

    kind: MessageKind
    facts: Facts
    about: str | None
    starts_at: datetime | None = None
    is_overtaken: bool = False


class Stories:
    """`public_url` begins the links in messages."""

    def __init__(
        self,
        accounts: AccountService,
        bookings: BookingService,
        barbers: BarberService,
        reviews: ReviewService,
        public_url: str,
        clock: Clock,
    ) -> None:
        self._accounts, self._bookings, self._barbers, self._reviews = accounts, bookings, barbers, reviews
        self._public_url, self._clock = public_url, clock

    async def find(self, notice: Notice, reader: User) -> Story | None:
        """None where there is nothing to tell any more: the thing is gone, or the reminder has lost its reason."""
        match notice.kind:
            case MessageKind.WELCOME:
                facts = AccountFacts(name=reader.name, link=self._public_url, at=notice.at)
                return Story(kind=notice.kind, facts=facts, about=str(notice.subject_id))
            case MessageKind.NEW_DEVICE:
                return await self._new_device(notice, reader)
            case MessageKind.REVIEW_POSTED | MessageKind.REVIEW_ANSWERED:
                return await self._of_review(notice, reader)
            case _:
                return await self._of_booking(notice, reader)

    async def _new_device(self, notice: Notice, reader: User) -> Story:
        device = await self._accounts.noticed_device(reader.id, notice.event_id)
        facts = AccountFacts(
            name=reader.name, link=self._public_url, device=_in_words(device) if device else None, at=notice.at
        )
        return Story(kind=notice.kind, facts=facts, about=None)

    async def _of_review(self, notice: Notice, reader: User) -> Story | None:
        """As it is by now; None where it was removed, or the answer taken back."""
        review = await self._reviews.find(notice.subject_id)
        if review is None:
            return None
        if notice.kind is MessageKind.REVIEW_POSTED:
            other_name, words = await self._name(review.customer_id), review.text
        elif review.answer:
            other_name, words = (await self._shop(review.barber_id))[0], review.answer.text
        else:
            return None
        link = f"{self._public_url}/bookings/{review.id}"
        facts = ReviewFacts(name=reader.name, other_name=other_name, stars=review.rating, words=words, link=link)
        return Story(kind=notice.kind, facts=facts, about=str(review.id))

    async def _of_booking(self, notice: Notice, reader: User) -> Story | None:
        booking = (await self._bookings.find_many([notice.subject_id])).get(notice.subject_id)
        if booking is None or reader.id not in {booking.customer_id, booking.barber_id}:
            return None
        now = self._clock()
        if notice.hours_before is not None and not _has_reason(notice.hours_before, notice.starts_at, booking, now):
            return None
        entry = next((entry for entry in booking.history if entry.id == notice.event_id), None)
        return Story(
            kind=_kind(notice.kind, entry),
            facts=await self._booking_facts(booking, reader, entry),
            about=f"{booking.id}@{booking.scheduled_at.isoformat()}",
            starts_at=booking.scheduled_at,
            is_overtaken=booking.version > notice.version and now > notice.at + LATE,
        )

    async def _booking_facts(self, booking: Booking, reader: User, entry: HistoryEntry | None) -> BookingFacts:
        to_barber = reader.id == booking.barber_id
        shop_name, timezone = await self._shop(booking.barber_id)
        other_name = await self._name(booking.customer_id) if to_barber else shop_name
        return BookingFacts(
            booking_id=str(booking.id),
            name=reader.name,
            other_name=other_name,
            to_barber=to_barber,
            items=[BookedItem(service.name, service.price) for service in booking.services],
            price=booking.price,
            currency=booking.currency,
            starts_at=booking.scheduled_at,
            ends_at=booking.ends_at,
            timezone=timezone,
            link=f"{self._public_url}/bookings/{booking.id}",
            reason=entry.reason.value if entry and entry.reason else None,
            note=entry.note if entry else None,
        )

    async def _shop(self, barber_id: UUID) -> tuple[str, str]:
        """What a barber is called, and the zone; a barber who has left the map since is still somebody."""
        try:
            barber = await self._barbers.find(barber_id)
        except NotFound:
            user = await self._accounts.find(barber_id)
            return (user.name, user.preferences.timezone) if user else ("", "UTC")
        return barber.display_name, barber.timezone

    async def _name(self, user_id: UUID | None) -> str:
        user = await self._accounts.find(user_id) if user_id else None
        return user.name if user else ""


def _kind(planned: MessageKind, entry: HistoryEntry | None) -> MessageKind:
    """A booking that its barber takes unasked begins as accepted: nobody waits for an answer."""
    was_accepted = entry is not None and entry.status is Status.ACCEPTED
    return MessageKind.BOOKING_ACCEPTED if planned is MessageKind.BOOKING_REQUESTED and was_accepted else planned


def _has_reason(hours: int, starts_at: datetime | None, booking: Booking, now: datetime) -> bool:
    """The visit is still to come, at the time for which it was planned, and not too near for this reminder."""
    is_so = booking.status is Status.ACCEPTED and booking.scheduled_at == starts_at
    return is_so and booking.scheduled_at - now > LEAST_LEFT[hours]


def _in_words(device: Device) -> str | None:
    return device.name or device.platform or device.user_agent
