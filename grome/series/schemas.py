"""Define the wire format of series."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.bookings.schemas import BookingOut, Note, VisitIn
from grome.common.clock import Instant
from grome.series.models import Occurrence, Refused, Repeat, Series


class SeriesIn(VisitIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Describes a repeating visit: first at `scheduled_at`, then at the same wall-clock time of the barber."""

    repeat: Repeat


class FollowingIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the new start of this visit; the others shift by the same wall-clock difference.

    The note is for the other side.
    """

    scheduled_at: Instant
    note: Note | None = None


class OccurrenceOut(Struct, frozen=True):
    """Shows a visit of the series: its booking, or the reason for refusal."""

    scheduled_at: datetime
    booking: BookingOut | None
    refused: Refused | None


class SeriesOut(Struct, frozen=True):
    """Shows a series. The starts follow from the rule; a rescheduled booking has its own start."""

    id: UUID
    barber_id: UUID
    repeat: Repeat
    timezone: str
    created_at: datetime
    occurrences: list[OccurrenceOut]


class PreviewedOut(Struct, frozen=True):
    """Shows a start of a series; `refused` is null if the visit can be booked."""

    scheduled_at: datetime
    refused: Refused | None


class SeriesPreview(Struct, frozen=True):
    timezone: str
    occurrences: list[PreviewedOut]


class ChangedOut(Struct, frozen=True):
    """Shows the changed booking, or the reason for which it was not changed."""

    booking_id: UUID
    booking: BookingOut | None
    refused: Refused | None


class SeriesChanged(Struct, frozen=True):
    """Lists a booking and the open bookings after it by start."""

    items: list[ChangedOut]


def series_out(series: Series, bookings: Mapping[UUID, BookingOut]) -> SeriesOut:
    return SeriesOut(
        id=series.id,
        barber_id=series.barber_id,
        repeat=series.repeat,
        timezone=series.timezone,
        created_at=series.created_at,
        occurrences=[
            _occurrence_out(occurrence, bookings.get(occurrence.booking_id)) for occurrence in series.occurrences
        ],
    )


def _occurrence_out(occurrence: Occurrence, booking: BookingOut | None) -> OccurrenceOut:
    return OccurrenceOut(occurrence.scheduled_at, booking, occurrence.refused)
