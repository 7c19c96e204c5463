"""Define a barber's week in wall-clock time, and the rules of bookings.

Times of day are strings "HH:MM" in the barber's zone, on whole ticks of five minutes. For comparison they become
minutes after the midnight of their date, so that 01:00 on the next date is 1500.
"""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.field_faults import FAULT
from grome.common.text import END

FieldError = tuple[str, str]  # a field path such as "monday.breaks[0].start_time", and a message

_DAY_MIN = 24 * 60
_CLOCK = "([01][0-9]|2[0-3]):[0-5][05]"

StartTime = Annotated[
    str,
    Meta(
        pattern=f"^{_CLOCK}" + END,
        extra={FAULT: "is not a time of day in steps of five minutes, such as 09:00"},
        min_length=5,
        max_length=5,
        description="Wall-clock time in the barber's zone, in steps of five minutes.",
        examples=["09:00"],
    ),
]
EndTime = Annotated[
    str,
    Meta(
        pattern=f"^({_CLOCK}|24:00)" + END,
        extra={FAULT: "is not a time of day in steps of five minutes, such as 17:30 or 24:00"},
        min_length=5,
        max_length=5,
        description="Wall-clock time in the barber's zone, in steps of five minutes. An end that is not after the "
        "start lies on the next day.",
        examples=["17:30"],
    ),
]


class Break(Struct, frozen=True, forbid_unknown_fields=True):
    """A span within the hours of a day without visits."""

    start_time: StartTime
    """Start of the break, within the hours of its day."""
    end_time: EndTime
    """End of the break, after its start and within the hours of its day."""


class DayHours(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the opening that begins on one weekday, at most 24 hours long.

    An end that is not after the start lies on the next day: 18:00 to 02:00 is eight hours, and 09:00 to 09:00, 00:00 to
    00:00 and 00:00 to 24:00 are twenty-four hours each. A break that begins earlier on the clock than the hours lies
    after midnight: in 18:00 to 02:00, a break at 00:30 belongs to the next date. A closed day keeps its times, so that
    setting `is_available` opens it again.
    """

    is_available: bool
    """False closes the shop on the weekday, and keeps its hours for later."""
    start_time: StartTime
    end_time: EndTime
    breaks: Annotated[tuple[Break, ...], Meta(max_length=12)] = ()
    """Spans in which no visit takes place; they do not overlap."""

    @property
    def minutes(self) -> tuple[int, int]:
        start, end = _minutes(self.start_time), _minutes(self.end_time)
        return start, end if end > start else end + _DAY_MIN

    @property
    def break_minutes(self) -> list[tuple[int, int]]:
        """Return start and end of each break in the given order, placed within the 24 hours after the opening."""
        opening, _ = self.minutes
        spans = ((_minutes(each.start_time), _minutes(each.end_time)) for each in self.breaks)
        return [
            (start if start >= opening else start + _DAY_MIN, end if end > opening else end + _DAY_MIN)
            for start, end in spans
        ]


class WeeklyHours(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds one opening for each weekday. Adjacent openings may touch or overlap; a booking may then span both."""

    monday: DayHours
    """The opening that begins on Monday."""
    tuesday: DayHours
    """The opening that begins on Tuesday."""
    wednesday: DayHours
    """The opening that begins on Wednesday."""
    thursday: DayHours
    """The opening that begins on Thursday."""
    friday: DayHours
    """The opening that begins on Friday."""
    saturday: DayHours
    """The opening that begins on Saturday."""
    sunday: DayHours
    """The opening that begins on Sunday."""

    def on(self, day: date) -> DayHours:
        hours: DayHours = getattr(self, self.__struct_fields__[day.weekday()])
        return hours


class DateOverride(Struct, frozen=True, forbid_unknown_fields=True):
    """Replaces the weekday's hours and any holiday on one date."""

    date: date
    """A date in the barber's zone."""
    hours: DayHours | None
    """Hours on this date; null closes the shop."""


class TimeOff(Struct, frozen=True, forbid_unknown_fields=True):
    """Blocks [starts_at, ends_at) for visits with their buffers and travel; it may begin and end at any moment."""

    id: UUID
    """Id of the time off; the path parameter `time_off_id`."""
    starts_at: datetime
    """First moment of the absence."""
    ends_at: datetime
    """First moment after the absence."""
    note: Annotated[str, Meta(examples=["Dentist"])] = ""
    """For the barber alone; customers do not see it."""


class HolidayCalendar(Struct, frozen=True, forbid_unknown_fields=True):
    """Selects the public holidays that keep the shop closed: an ISO 3166-1 country and, if needed, its subdivision."""

    country: Annotated[
        str,
        Meta(
            pattern="^[A-Z]{2}" + END,
            extra={FAULT: "is not a country of two capital letters (ISO 3166), such as DE"},
            max_length=2,
            examples=["DE"],
        ),
    ]
    """ISO 3166-1 code of the country."""
    subdivision: Annotated[
        str,
        Meta(
            max_length=3,
            pattern="^[A-Z0-9]*" + END,
            extra={FAULT: "is not a part of a country in capital letters and digits (ISO 3166-2), such as BE"},
            examples=["BE"],
        ),
    ] = ""
    """Second part of the ISO 3166-2 code, e.g. `BE` of `DE-BE`; empty for nationwide holidays only."""


MAX_HORIZON_DAYS: Final = 366
SlotStep = Annotated[int, Meta(ge=5, le=240, multiple_of=5, description="Minutes between two consecutive starts.")]
MinNotice = Annotated[
    int, Meta(ge=0, le=MAX_HORIZON_DAYS * _DAY_MIN, description="Minutes from now to the earliest start.")
]
Horizon = Annotated[
    int, Meta(ge=1, le=MAX_HORIZON_DAYS, description="Days from the barber's today to the last bookable date.")
]
Buffer = Annotated[int, Meta(ge=0, le=240, multiple_of=5, description="Minutes that are kept free.")]
DailyCap = Annotated[int, Meta(ge=1, le=200, description="Highest number of visits on a local date of the barber.")]


class BookingRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the barber's rules for bookings.

    Buffers are kept free before and after the visible time of a visit. The buffers of adjacent visits add up.
    """

    slot_step_min: SlotStep = 15
    min_notice_min: MinNotice = 60
    horizon_days: Horizon = 60
    buffer_before_min: Buffer = 0
    buffer_after_min: Buffer = 0
    daily_cap: DailyCap | None = None
    """Highest number of visits on a local date of the barber; null for no limit."""
    auto_accept: bool = False
    """Whether bookings are accepted without the barber's answer."""


class OfferRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Replaces the barber's rules for one service; a null field follows the barber's rule.

    The daily cap counts the visits with this service, and applies in addition to the barber's daily cap.
    """

    slot_step_min: SlotStep | None = None
    """Minutes between two starts; null follows the barber's rule."""
    min_notice_min: MinNotice | None = None
    """Minutes from now to the earliest start; null follows the barber's rule."""
    horizon_days: Horizon | None = None
    """Days from today to the last bookable date; null follows the barber's rule."""
    buffer_before_min: Buffer | None = None
    """Minutes kept free before the visit; null follows the barber's rule."""
    buffer_after_min: Buffer | None = None
    """Minutes kept free after the visit; null follows the barber's rule."""
    daily_cap: DailyCap | None = None
    """Highest number of visits with this service on a date, beside the barber's own cap; null for none."""
    auto_accept: bool | None = None
    """Whether bookings are accepted without the barber's answer; null follows the barber's rule."""


class Processing(Struct, frozen=True, forbid_unknown_fields=True):
    """Frees the barber during a part of a service, for example while colour takes effect."""

    after_min: Annotated[int, Meta(ge=5, le=475, multiple_of=5)]
    """Minutes from the start of the service until the barber becomes free."""
    duration_min: Annotated[int, Meta(ge=5, le=475, multiple_of=5)]
    """Minutes in which the barber may take another customer."""


def validation_errors(hours: WeeklyHours) -> list[FieldError]:
    """Return the errors that the types cannot detect: breaks that leave the hours, run backwards or overlap.

    Closed days are checked too, since they can be opened again.
    """
    return [
        (f"{weekday}.{path}", message)
        for weekday in hours.__struct_fields__
        for path, message in day_validation_errors(getattr(hours, weekday))
    ]


def day_validation_errors(day: DayHours) -> list[FieldError]:
    """Return the errors of one day, as `validation_errors` does."""
    _, closing = day.minutes
    found: list[FieldError] = []
    within_hours: list[tuple[int, int, int]] = []
    for index, (start, end) in enumerate(day.break_minutes):
        if start >= closing:
            found.append((f"breaks[{index}].start_time", "must lie within the hours of its day"))
        elif not start < end <= closing:
            found.append(
                (f"breaks[{index}].end_time", "must be after the break's start and within the hours of its day")
            )
        else:
            within_hours.append((start, end, index))
    latest_end = 0
    for start, end, index in sorted(within_hours):
        if start < latest_end:
            found.append((f"breaks[{index}].start_time", "must not lie in another break"))
        latest_end = max(latest_end, end)
    return found


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
