"""Define the wire format of series."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.bookings.schemas import BookingOut, Note, VisitIn
from grome.common.clock import Instant, TimeZoneName
from grome.series.models import Occurrence, Refused, Repeat, Series


class SeriesIn(VisitIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Describes a repeating visit: first at `scheduled_at`, then at the same wall-clock time of the barber."""

    repeat: Repeat
    """Rule for the visits after the first."""


class FollowingIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the new start of this visit; the others shift by the same wall-clock difference.

    The note is for the other side.
    """

    scheduled_at: Instant
    """New start of this visit; the visits after it shift by the same difference of wall-clock time."""
    note: Note | None = None
    """To the other side, kept in the history."""


class OccurrenceOut(Struct, frozen=True):
    """Shows a visit of the series: its booking, or the reason for refusal."""

    scheduled_at: datetime
    """Start by the rule; a rescheduled booking has its own."""
    booking: BookingOut | None
    """The booking as it is now; null if it was refused."""
    refused: Refused | None
    """Reason for which the visit was not booked; null if it was."""


class SeriesOut(Struct, frozen=True):
    """Shows a series. The starts follow from the rule; a rescheduled booking has its own start."""

    id: UUID
    """Id of the series; the path parameter `series_id`."""
    barber_id: UUID
    """Barber of all visits."""
    repeat: Repeat
    """The rule as requested."""
    timezone: TimeZoneName
    """IANA time zone of the barber, in which the wall-clock time stays the same."""
    created_at: datetime
    """Time of the request."""
    occurrences: list[OccurrenceOut]
    """All visits of the rule in order of time, booked or refused."""


class PreviewedOut(Struct, frozen=True):
    """Shows a start of a series, and whether it can be booked."""

    scheduled_at: datetime
    """Start by the rule."""
    refused: Refused | None
    """Reason for which the visit cannot be booked; null if it can."""


class SeriesPreview(Struct, frozen=True):
    """Shows the visits of a series before it is created."""

    timezone: TimeZoneName
    """IANA time zone of the barber, in which the wall-clock time stays the same."""
    occurrences: list[PreviewedOut]
    """All visits of the rule in order of time."""


class ChangedOut(Struct, frozen=True):
    """Shows the changed booking, or the reason for which it was not changed."""

    booking_id: UUID
    """The booking of this line; the path parameter `booking_id`."""
    booking: BookingOut | None
    """The booking after the change; null if it was refused."""
    refused: Refused | None
    """Reason for which the booking was not changed; null if it was."""


class SeriesChanged(Struct, frozen=True):
    """Lists a booking and the open bookings after it by start."""

    items: list[ChangedOut]
    """The booking of the request and the open bookings after it, by start."""


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
