"""Implement the availability rules a second time, without the code under test."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from grome.scheduling.models import DayHours
from tests.scheduling.cases import Case, walk


@dataclass(frozen=True)
class NaiveDay:
    """Holds the start of an opening, all of its moments, and its moments outside breaks."""

    opens: datetime
    moments: frozenset[datetime]
    work: frozenset[datetime]


class NaiveBarber:
    """Applies the availability rules naively, in steps of five minutes.

    It shares only the fields of the calendar with the code under test; wall times are found by trying offsets.
    """

    def __init__(self, case: Case) -> None:
        self.case, self.calendar, self.duration = case, case.calendar, timedelta(minutes=case.duration_min)
        self.openings = [self.opening(case.first + timedelta(days=days)) for days in range(-4, 6)]

    def hours(self, day: date) -> DayHours | None:
        if day in self.calendar.overrides:
            return self.calendar.overrides[day]
        if day in self.calendar.holidays:
            return None
        return [self.calendar.hours.monday, self.calendar.hours.tuesday, self.calendar.hours.wednesday,
                self.calendar.hours.thursday, self.calendar.hours.friday, self.calendar.hours.saturday,
                self.calendar.hours.sunday][day.isoweekday() - 1]  # fmt: skip

    def opening(self, day: date) -> NaiveDay:
        hours = self.hours(day)
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- wall time
        if hours is None or not hours.is_available:
            return NaiveDay(self.instant(midnight), frozenset(), frozenset())
        opens = self.next_time(hours.start_time, midnight)
        closes = self.next_time(hours.end_time, opens + timedelta(minutes=5))
        moments = set(walk(self.instant(opens), self.instant(closes)))
        work = set(moments)
        for pause in hours.breaks:
            begins = self.next_time(pause.start_time, opens)
            ends = self.next_time(pause.end_time, begins + timedelta(minutes=5))
            work -= set(walk(self.instant(begins), self.instant(ends)))
        return NaiveDay(self.instant(opens), frozenset(moments), frozenset(work))

    def next_time(self, clock: str, not_before: datetime) -> datetime:
        """Return the next moment with this time on a clock that is never changed."""
        shown = "00:00" if clock == "24:00" else clock
        return next(wall for wall in walk(not_before, not_before + timedelta(days=2)) if f"{wall:%H:%M}" == shown)

    def instant(self, wall: datetime) -> datetime:
        as_utc = wall.replace(tzinfo=UTC)
        before, after = (
            (as_utc + timedelta(hours=hours)).astimezone(self.calendar.timezone).utcoffset() or timedelta()
            for hours in (-30, 30)
        )
        shown = [
            as_utc - offset
            for offset in (before, after)
            if (as_utc - offset).astimezone(self.calendar.timezone).replace(tzinfo=None) == wall
        ]
        return min(shown) if shown else as_utc - before

    def at_work(self, start: datetime) -> list[datetime]:
        """Return the moments at which the barber is busy with the customer."""
        return [
            moment
            for moment in walk(start, start + self.duration)
            if not any(
                timedelta(minutes=begin) <= moment - start < timedelta(minutes=end)
                for begin, end in self.case.visit.gaps
            )
        ]

    def works(self, start: datetime) -> bool:
        step = timedelta(minutes=self.calendar.rules.slot_step_min)
        visit, busy = set(walk(start, start + self.duration)), set(self.at_work(start))
        for number, day in enumerate(self.openings):
            if start not in day.moments or (start - day.opens) % step:
                continue
            moments, breaks = set(day.moments), set(day.moments - day.work)
            later = iter(self.openings[number + 1 :])
            while not visit <= moments:
                following = next(later, None)
                if not following or following.opens > max(moments) + timedelta(minutes=5):
                    break
                moments |= following.moments
                breaks |= following.moments - following.work
            if visit <= moments and not busy & breaks:
                return True
        return False

    def around(self, start: datetime) -> tuple[list[datetime], list[datetime]]:
        """Return the moments of buffers and travel before and after the visit."""
        rules, travel = self.calendar.rules, timedelta(minutes=self.case.visit.travel_min)
        end = start + five_minutes_up(self.duration)
        before = walk(start - timedelta(minutes=rules.buffer_before_min) - travel, start)
        after = walk(end, end + timedelta(minutes=rules.buffer_after_min) + travel)
        return list(before), list(after)

    def is_there(self, start: datetime) -> bool:
        """Return whether travel and buffers stay outside time off."""
        five, (before, after) = timedelta(minutes=5), self.around(start)
        return not any(
            moment < end and begin < moment + five
            for moment in [*before, *walk(start, start + self.duration), *after]
            for begin, end in self.case.time_off
        )

    def is_free(self, start: datetime) -> bool:
        before, after = self.around(start)
        moments = [*before, *self.at_work(start), *after]
        return not any(moment.timestamp() / 300 in self.calendar.taken for moment in moments)

    def has_a_seat(self, start: datetime) -> bool:
        day = self.case.local_date(start)
        return all(self.case.visits.get((day, cap), 0) < cap.limit for cap in self.case.visit.caps)

    def is_in_time(self, start: datetime) -> bool:
        notice = (start - self.calendar.now) / timedelta(minutes=1)
        ahead = (
            start.astimezone(self.calendar.timezone).date()
            - self.calendar.now.astimezone(self.calendar.timezone).date()
        )
        return notice >= self.calendar.rules.min_notice_min and ahead.days <= self.calendar.rules.horizon_days

    def takes(self, start: datetime) -> bool:
        likes = self.works(start) and self.is_in_time(start) and self.is_there(start)
        return likes and self.is_free(start) and self.has_a_seat(start)


def five_minutes_up(span: timedelta) -> timedelta:
    return -(-span // timedelta(minutes=5)) * timedelta(minutes=5)
