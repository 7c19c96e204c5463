"""Create series of visits; each visit is checked and claimed alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from grome.bookings.create import BookingCreator, idempotency_for, response_as_created
from grome.bookings.drafts import BookingDraft
from grome.bookings.errors import BookingInFlight, KeyInFlight, KeyReused, SlotNotOffered, SlotTaken
from grome.bookings.models import Booking, Idempotency, Origin
from grome.bookings.queries import BookingQueries
from grome.bookings.schemas import booking_out
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import ApiError, Invalid, NotFound
from grome.common.ids import new_id
from grome.infrastructure.http.responses import encode
from grome.infrastructure.idempotency import Encoded
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.scheduling.models import MAX_HORIZON_DAYS
from grome.series.errors import NothingBooked
from grome.series.models import MAX_VISITS, Occurrence, Refused, Repeat, Series, booking_id
from grome.series.recurrence import list_starts
from grome.series.repository import SeriesRepository
from grome.series.schemas import PreviewedOut, SeriesIn, SeriesOut, SeriesPreview, series_out

# The farthest horizon that a barber's rules can have.
_MAX_HORIZON: Final = timedelta(days=MAX_HORIZON_DAYS)
# A series is stored for years, even if only a single visit could be booked.
SERIES_OF_CUSTOMER: Final = Budget("series of a customer", 50, timedelta(days=1))


class SeriesService:
    def __init__(
        self,
        series: SeriesRepository,
        creation: BookingCreator,
        bookings: BookingQueries,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        self._series, self._creation, self._bookings = series, creation, bookings
        self._budgets, self._clock = budgets, clock

    async def preview(self, actor: Actor, wanted: SeriesIn) -> SeriesPreview:
        """Show the bookings that `create` would make, by one query. Raises NotFound for the barber, and Invalid."""
        first = await self._creation.build_draft(actor.id, wanted)
        series = self._new(actor.id, first, wanted.repeat, None)
        errors = await self._creation.find_errors(_build_drafts(series, first))
        occurrences = [
            PreviewedOut(occurrence.scheduled_at, refusal_out(error) if error else None)
            for occurrence, error in zip(series.occurrences, errors, strict=True)
        ]
        return SeriesPreview(series.timezone, occurrences)

    async def create(self, actor: Actor, wanted: SeriesIn, key: str | None) -> SeriesOut | Encoded:
        """Book the free starts of a series, or return the first answer again if `key` has an answer.

        A repeat continues an interrupted creation. Raises NotFound for the barber, Invalid, NothingBooked,
        KeyReused or KeyInFlight, and TooManyRequests beyond 50 series of a customer in a day.
        """
        idempotency = idempotency_for(key, wanted, to_utc(wanted.scheduled_at, "scheduled_at"))
        series = await self._series.find_by_key(actor.id, idempotency.key) if idempotency else None
        if series and series.idempotency != idempotency:
            raise KeyReused
        if series and series.is_made:
            return await self._first_answer(series)
        return await self._make(actor, wanted, idempotency, series)

    async def read(self, actor: Actor, series_id: UUID) -> SeriesOut:
        """Return a series with its bookings as they are now. Raises NotFound if the series is not the actor's."""
        series = await self._series.find(visible_to(actor), series_id)
        if series is None:
            raise NotFound
        bookings = await self._bookings.find_many([occurrence.booking_id for occurrence in series.occurrences])
        return series_out(series, {booking.id: booking_out(booking) for booking in bookings.values()})

    async def _make(
        self, actor: Actor, wanted: SeriesIn, idempotency: Idempotency | None, begun: Series | None
    ) -> SeriesOut | Encoded:
        first = await self._creation.build_draft(actor.id, wanted)
        if begun is None:
            await self._budgets.spend(SERIES_OF_CUSTOMER, str(actor.id))
        series = begun or self._new(actor.id, first, wanted.repeat, idempotency)
        if begun is None and not await self._series.insert(series):
            raise KeyInFlight
        claimed = [await self._claim(draft) for draft in _build_drafts(series, first)]
        occurrences = [occurrence for occurrence, _ in claimed]
        if all(occurrence.refused for occurrence in occurrences):
            await self._series.delete_unmade(series)
            raise NothingBooked(faults=tuple(_occurrence_faults(occurrences)))
        made = msgspec.structs.replace(series, occurrences=occurrences, is_made=True)
        answer = series_out(made, {booking.id: booking_out(booking) for _, booking in claimed if booking})
        if idempotency:
            made = msgspec.structs.replace(made, first_answer=encode(answer))
        if await self._series.store_made(made):
            return answer
        # A concurrent request has stored the series with the same bookings.
        theirs = await self._series.find_committed(series.id)
        if theirs is None:
            raise KeyInFlight
        return await self._first_answer(theirs)

    async def _first_answer(self, series: Series) -> SeriesOut | Encoded:
        """Return the stored response. For series of an earlier release it is derived from their bookings."""
        if series.first_answer is not None:
            return Encoded(series.first_answer)
        bookings = await self._bookings.find_many(
            [occurrence.booking_id for occurrence in series.occurrences if not occurrence.refused]
        )
        return series_out(series, {booking.id: response_as_created(booking) for booking in bookings.values()})

    async def _claim(self, draft: BookingDraft) -> tuple[Occurrence, Booking | None]:
        """Return the occurrence and its booking, which is None if the visit is refused."""
        occurrence = Occurrence(draft.id, draft.start)
        try:
            return occurrence, await self._creation.claim(draft)
        except (BookingInFlight, SlotTaken, SlotNotOffered) as refusal:
            # An interrupted creation may have made the booking before.
            made = await self._creation.find_created(draft.customer_id, draft.id) if draft.customer_id else None
            if made is None and isinstance(refusal, BookingInFlight):  # a majority does not have it yet
                raise KeyInFlight from None
            return (occurrence, made) if made else (Occurrence(draft.id, draft.start, refusal_out(refusal)), None)

    def _new(self, customer_id: UUID, first: BookingDraft, repeat: Repeat, idempotency: Idempotency | None) -> Series:
        now, barber = self._clock(), first.barber
        if not now <= first.start <= now + _MAX_HORIZON:
            raise Invalid("scheduled_at", f"must lie within the next {_MAX_HORIZON.days} days")
        if (repeat.until is None) is (repeat.count is None):
            raise Invalid("repeat", "needs either `until` or `count`")
        moments = list_starts(repeat, first.start, ZoneInfo(barber.timezone))
        if not 1 < len(moments) <= MAX_VISITS:
            raise Invalid("repeat.until", f"gives {len(moments)} visits; a series has 2 to {MAX_VISITS}")
        series_id = new_id()
        return Series(
            id=series_id,
            customer_id=customer_id,
            barber_id=barber.id,
            repeat=repeat,
            timezone=barber.timezone,
            occurrences=[Occurrence(booking_id(series_id, number), start) for number, start in enumerate(moments)],
            is_made=False,
            idempotency=idempotency,
            created_at=now,
        )


def refusal_out(refusal: ApiError) -> Refused:
    """Use the code of the availability rule if a rule refuses, or else the code of the error."""
    code = refusal.faults[0][1] if isinstance(refusal, SlotNotOffered) else refusal.code
    return Refused(code, refusal.detail or refusal.title)


def _build_drafts(series: Series, first: BookingDraft) -> list[BookingDraft]:
    return [
        replace(
            first, id=occurrence.booking_id, start=occurrence.scheduled_at, origin=Origin.SERIES, series_id=series.id
        )
        for occurrence in series.occurrences
    ]


def _occurrence_faults(occurrences: Sequence[Occurrence]) -> Iterator[tuple[str, str]]:
    for number, occurrence in enumerate(occurrences):
        if occurrence.refused:
            yield f"occurrences[{number}]", occurrence.refused.code
