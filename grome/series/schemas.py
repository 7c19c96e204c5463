"""Series on the wire."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.bookings.schemas import BookingOut, Note, VisitIn
from grome.common.clock import Instant
from grome.series.models import Occurrence, Refused, Repeat, Series


class SeriesIn(VisitIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The same visit again and again, for the first time at `scheduled_at`, at the same time on the barber's clock."""

    repeat: Repeat


class FollowingIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Where this visit is to move; the others move by as much on the clock. The word is to the other side."""

    scheduled_at: Instant
    note: Note | None = None


class OccurrenceOut(Struct, frozen=True):
    """A visit of the series: booked, or refused and why."""

    scheduled_at: datetime
    booking: BookingOut | None
    refused: Refused | None


class SeriesOut(Struct, frozen=True):
    """Starts are those that the rule gives; a booking that was moved has its own by now."""

    id: UUID
    barber_id: UUID
    repeat: Repeat
    timezone: str
    created_at: datetime
    occurrences: list[OccurrenceOut]


class PreviewedOut(Struct, frozen=True):
    """`refused` is null where the visit could be booked now."""

    scheduled_at: datetime
    refused: Refused | None


class SeriesPreview(Struct, frozen=True):
    timezone: str
    occurrences: list[PreviewedOut]


class ChangedOut(Struct, frozen=True):
    """What became of one booking: as it is now, or why it was left as it was."""

    booking_id: UUID
    booking: BookingOut | None
    refused: Refused | None


class SeriesChanged(Struct, frozen=True):
    """A booking and those that follow it, as far as they were open, by time."""

    items: list[ChangedOut]


def series_out(series: Series, bookings: Mapping[UUID, BookingOut]) -> SeriesOut:
    return SeriesOut(
        id=series.id,
        barber_id=series.barber_id,
        repeat=series.repeat,
        timezone=series.timezone,
        created_at=series.created_at,
        occurrences=[_occurrence_out(one, bookings.get(one.booking_id)) for one in series.occurrences],
    )


def _occurrence_out(occurrence: Occurrence, booking: BookingOut | None) -> OccurrenceOut:
    return OccurrenceOut(occurrence.scheduled_at, booking, occurrence.refused)
