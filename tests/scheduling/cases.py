"""Draw calendars with valid weeks and rules in various zones, mostly around clock changes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from grome.scheduling.daily_caps import Cap, cap_on_service, cap_on_visits, seat_ticks
from grome.scheduling.models import BookingRules
from grome.scheduling.slots import Calendar, Slot, free_slots
from grome.scheduling.ticks import span_between
from grome.scheduling.visit_plan import VisitPlan
from tests.builders.hours import day_hours, weekly_hours

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"  # its clocks move by half an hour
KOLKATA = "Asia/Kolkata"  # no clock changes
NUUK = "America/Nuuk"  # its clocks skip the hour before midnight
CAIRO = "Africa/Cairo"  # its clocks skip the hour after midnight
ZONES = [
    BERLIN, NEW_YORK, LORD_HOWE, KOLKATA, NUUK, CAIRO,
    "Asia/Beirut", "America/Havana", "America/Santiago", "Pacific/Chatham", "Pacific/Kiritimati",
]  # fmt: skip


@cache
def clock_changes(zone: str) -> list[date]:
    """Return the UTC dates from 2026 to 2028 on which the offset of the zone changes."""
    noons = [datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=k) for k in range(3 * 365)]
    offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]
    return [noons[k].date() for k in range(1, len(noons)) if offsets[k] != offsets[k - 1]]


Off = tuple[datetime, datetime]
often = st.booleans()


@dataclass(frozen=True)
class Case:
    """Holds a calendar and a visit, with time off as moments and the number of visits by date and cap.

    The calendar holds the same time off and visits as ticks and seats.
    """

    calendar: Calendar
    first: date
    last: date
    visit: VisitPlan
    time_off: list[Off] = field(default_factory=list)
    visits: dict[tuple[date, Cap], int] = field(default_factory=dict)

    @property
    def duration_min(self) -> int:
        return self.visit.duration_min

    def offered(self) -> list[Slot]:
        days = free_slots(self.calendar, self.first, self.last, self.visit)
        return [slot for _, slots in days for slot in slots]

    def local_date(self, moment: datetime) -> date:
        return moment.astimezone(self.calendar.timezone).date()

    def every_tick(self) -> Iterator[datetime]:
        """Return all five-minute moments with a requested local date."""
        begin = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC) - timedelta(days=1)
        days = (self.last - self.first).days + 3
        for moment in walk(begin, begin + timedelta(days=days)):
            if self.first <= self.local_date(moment) <= self.last:
                yield moment


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(ZONES))
    first = draw(st.dates(date(2026, 1, 4), date(2028, 12, 25)))
    if clock_changes(zone) and draw(st.sampled_from([True, True, True, False])):
        first = draw(st.sampled_from(clock_changes(zone))) + timedelta(days=draw(st.integers(-2, 1)))
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    rules = BookingRules(
        slot_step_min=draw(st.sampled_from([5, 10, 15, 15, 20, 30, 45, 60, 240])),
        min_notice_min=draw(st.sampled_from([0, 0, 1, 60, 1440])),
        horizon_days=draw(st.sampled_from([366, 60, 3, 2, 1])),
        buffer_before_min=draw(st.sampled_from([0, 0, 5, 30])),
        buffer_after_min=draw(st.sampled_from([0, 0, 10, 240])),
    )
    now = midnight + timedelta(seconds=draw(st.just(-3 * 86400) | st.integers(-3 * 86400, 86400)))
    booked = draw(st.lists(st.tuples(st.integers(-12, 2 * 288 + 12), st.integers(1, 24)), max_size=4))
    tick = int(midnight.timestamp()) // 300
    days = [first + timedelta(days=ahead) for ahead in (-1, 0, 0, 1)]
    visit = draw(visits())
    under_caps = st.tuples(st.sampled_from(days), st.sampled_from(visit.caps)) if visit.caps else st.nothing()
    full = draw(st.dictionaries(under_caps, st.integers(0, 4), min_size=len(visit.caps)))
    time_off = draw(st.lists(offs(midnight), max_size=2) if draw(often) else st.just([]))
    calendar = Calendar(
        ZoneInfo(zone),
        draw(weekly_hours()),
        rules,
        now,
        frozenset(tick + offset + k for offset, length in booked for k in range(length))
        | {
            seat
            for (day, cap), count in full.items()
            for seat in draw(st.permutations(seat_ticks(cap, day)[:8]))[:count]
        },
        overrides=draw(st.dictionaries(st.sampled_from(days), st.none() | day_hours(), max_size=2)),
        time_off=tuple(span_between(*off) for off in time_off),
        holidays=draw(st.sets(st.sampled_from(days), max_size=2)) if draw(often) else (),
    )
    return Case(calendar, first, first + timedelta(days=draw(st.integers(0, 1))), visit, time_off, full)


@st.composite
def visits(draw: st.DrawFn) -> VisitPlan:
    duration = draw(st.sampled_from([5, 15, 30, 45, 60, 90]) | st.integers(1, 300))
    inner = range(5, duration, 5)
    cuts = sorted(draw(st.sets(st.sampled_from(inner), max_size=4))) if inner and draw(often) else []
    caps = [cap_on_visits(draw(st.integers(1, 3))), cap_on_service(UUID(int=7), draw(st.integers(1, 3)))]
    return VisitPlan(
        duration,
        gaps=tuple(zip(cuts[::2], cuts[1::2], strict=False)),
        travel_min=draw(st.sampled_from([0, 0, 0, 10, 45])),
        caps=tuple(draw(st.lists(st.sampled_from(caps), unique=True))) if draw(often) else (),
    )


def offs(midnight: datetime) -> st.SearchStrategy[Off]:
    """Draw time off of seconds to a day, at any second around the two dates."""
    return st.builds(
        lambda begin, length: (midnight + timedelta(seconds=begin), midnight + timedelta(seconds=begin + length)),
        st.integers(-86400, 3 * 86400),
        st.integers(1, 600) | st.integers(1, 86400),
    )


def walk(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Return every fifth minute from `begin` up to, not including, `end`."""
    while begin < end:
        yield begin
        begin += timedelta(minutes=5)
