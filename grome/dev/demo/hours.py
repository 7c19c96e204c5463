"""Working weeks of demo barbers: by day with a lunch break, into the evening, or past midnight."""

from dataclasses import dataclass
from random import Random
from typing import Final

from grome.scheduling.models import Break, DayHours, WeeklyHours


@dataclass(frozen=True, slots=True)
class _Shift:
    """Opening hours and breaks of one kind of barber; every break lies within every opening."""

    opens: tuple[str, ...]
    closes: tuple[str, ...]
    breaks: tuple[Break, ...]
    share: float


_SHIFTS: Final = (
    _Shift(
        opens=("08:00", "08:30", "09:00", "09:30", "10:00"),
        closes=("17:30", "18:00", "18:30", "19:00", "20:00"),
        breaks=(Break("12:00", "12:30"), Break("12:30", "13:15"), Break("13:00", "14:00"), Break("13:30", "14:00")),
        share=0.76,
    ),
    _Shift(
        opens=("11:00", "12:00", "13:00"),
        closes=("20:30", "21:00", "22:00"),
        breaks=(Break("16:00", "16:30"), Break("16:30", "17:15")),
        share=0.18,
    ),
    _Shift(
        opens=("16:00", "17:00", "18:00"),
        closes=("00:30", "01:00", "02:00"),
        breaks=(Break("21:00", "21:30"), Break("23:45", "00:15")),
        share=0.06,
    ),
)
_SATURDAY: Final = ("14:00", "15:00", "16:00")
_SUNDAY: Final = DayHours(is_available=True, start_time="11:00", end_time="17:00", breaks=(Break("13:30", "14:00"),))
_CLOSED: Final = DayHours(is_available=False, start_time="10:00", end_time="16:00")


def working_week(rng: Random) -> WeeklyHours:
    """Return a week that is open Tuesday to Saturday, on two of three Mondays and on one of eight Sundays."""
    (shift,) = rng.choices(_SHIFTS, [shift.share for shift in _SHIFTS])
    day = DayHours(
        is_available=True,
        start_time=rng.choice(shift.opens),
        end_time=rng.choice(shift.closes),
        breaks=(rng.choice(shift.breaks),),
    )
    by_day = shift is _SHIFTS[0]
    return WeeklyHours(
        monday=day if rng.random() < 2 / 3 else _CLOSED,
        tuesday=day,
        wednesday=day,
        thursday=day,
        friday=day,
        saturday=DayHours(True, day.start_time, rng.choice(_SATURDAY)) if by_day else day,  # no lunch on a short day
        sunday=_SUNDAY if rng.random() < 1 / 8 else _CLOSED,
    )
