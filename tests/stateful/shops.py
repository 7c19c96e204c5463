"""Compute a barber's calendar naively, without code of the product.

Moments are minutes of Unix time; a tick of five minutes is named by its first minute.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

TICK = 5
EVERY_VISIT = "every visit"
Seat = tuple[date | None, object]


@dataclass(frozen=True)
class Day:
    """Holds the hours and breaks of a day in minutes after its midnight."""

    opens: int
    closes: int
    breaks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Offer:
    """Holds an offer; the barber is free in its `gap`, in minutes from the start. None follows the shop's rule."""

    minutes: int
    price: int
    gap: tuple[int, int] | None = None
    before: int | None = None
    after: int | None = None
    cap: int | None = None
    auto: bool | None = None


@dataclass(frozen=True)
class Rules:
    step: int = 15
    notice: int = 0
    horizon: int = 30
    before: int = 0
    after: int = 0
    cap: int | None = None
    auto: bool = True


@dataclass(frozen=True)
class Shop:
    id: UUID
    zone: str
    week: tuple[Day | None, ...]
    offers: tuple[Offer, ...]
    rules: Rules
    notice_of_cancelling: int
    notice_of_moving: int
    overrides: Mapping[date, Day | None] = field(default_factory=dict)
    time_off: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)

    def day(self, on: date) -> Day | None:
        return self.overrides[on] if on in self.overrides else self.week[on.weekday()]

    def date_of(self, minute: int) -> date:
        return _date_of(minute, self.zone)

    def day_of_opening(self, minute: int) -> date:
        """Return the date on which the current opening began, or the local date if the shop is closed."""
        on = self.date_of(minute)
        for begins in (on, on - timedelta(days=1)):
            day = self.day(begins)
            if day:
                opens, closes, _ = _opening(day, begins, self.zone)
                if opens <= minute < closes:
                    return begins
        return on

    def days_of_queue(self, minute: int) -> list[date]:
        """Return the dates of the current opening, and of the opening before it if both touch."""
        on = self.day_of_opening(minute)
        before = on - timedelta(days=1)
        day, last = self.day(on), self.day(before)
        if day and last:
            opens, closed = _opening(day, on, self.zone)[0], _opening(last, before, self.zone)[1]
            if opens <= minute and closed >= opens:
                return [before, on]
        return [on]


@dataclass(frozen=True)
class Wish:
    """Computes ticks, seats and rules of some offers of a shop, in this order."""

    shop: Shop
    offers: tuple[int, ...]

    @cached_property
    def _offers(self) -> list[Offer]:
        return [self.shop.offers[number] for number in self.offers]

    @cached_property
    def minutes(self) -> int:
        return sum(offer.minutes for offer in self._offers)

    @property
    def price(self) -> int:
        return sum(offer.price for offer in self._offers)

    @property
    def auto(self) -> bool:
        return all(self.shop.rules.auto if offer.auto is None else offer.auto for offer in self._offers)

    @cached_property
    def caps(self) -> dict[object, int]:
        own = {number: cap for number in self.offers if (cap := self.shop.offers[number].cap)}
        return {**({EVERY_VISIT: self.shop.rules.cap} if self.shop.rules.cap else {}), **own}

    def seats(self, start: int) -> frozenset[Seat]:
        return frozenset((self.shop.date_of(start), subject) for subject in self.caps)

    @cached_property
    def _at_work(self) -> frozenset[int]:
        """Return the busy ticks of the visit, counted from the start."""
        ticks, begin = set(range(0, self.minutes, TICK)), 0
        for offer in self._offers:
            if offer.gap:
                ticks -= set(range(begin + offer.gap[0], begin + offer.gap[1], TICK))
            begin += offer.minutes
        return frozenset(ticks)

    @cached_property
    def _kept(self) -> frozenset[int]:
        """Return the occupied ticks of the visit with its buffers, counted from the start."""
        first, last = self._offers[0], self._offers[-1]
        before = self.shop.rules.before if first.before is None else first.before
        after = self.shop.rules.after if last.after is None else last.after
        around = {*range(-before, 0, TICK), *range(self.minutes, self.minutes + after, TICK)}
        return self._at_work | around

    @cached_property
    def _span(self) -> tuple[int, int]:
        return min(self._kept), max(self._kept) + TICK

    def ticks(self, start: int) -> frozenset[int]:
        """Return the occupied ticks of a visit at this start."""
        return frozenset(start + tick for tick in self._kept)

    def objections(self, start: int, now: int, taken: frozenset[int], seats: Counter[Seat]) -> frozenset[str]:
        """Return the reasons of the first rule that rejects the start; empty if it can be booked."""
        return next((reasons for reasons in self._asked(start, now, taken, seats) if reasons), frozenset())

    def objections_of_the_shop(self, start: int, now: int) -> frozenset[str]:
        """Return the reasons without regard to other visits."""
        return self.objections(start, now, frozenset(), Counter())

    def _asked(self, start: int, now: int, taken: frozenset[int], seats: Counter[Seat]) -> Iterator[frozenset[str]]:
        yield _if(start % TICK != 0, "misaligned")
        yield _if(start < now + self.shop.rules.notice, "too_soon")
        last = self.shop.date_of(now) + timedelta(days=self.shop.rules.horizon)
        yield _if(self.shop.date_of(start) > last, "beyond_horizon")
        yield self._hours(start)
        begins, end = start + self._span[0], start + self._span[1]
        yield _if(any(begin < end and begins < over for begin, over in self.shop.time_off.values()), "time_off")
        full = (seats[self.shop.date_of(start), subject] >= most for subject, most in self.caps.items())
        yield _if(any(full), "day_full")
        yield _if(not taken.isdisjoint(self.ticks(start)), "taken")

    def _hours(self, start: int) -> frozenset[str]:
        reasons = {"closed"}
        around = self.shop.date_of(start)
        for begins in (around - timedelta(days=1), around):
            if (day := self.shop.day(begins)) is None:
                continue
            opens, closes, breaks = _opening(day, begins, self.shop.zone)
            if not opens <= start < closes:
                continue
            pauses, date_after = [*breaks], begins + timedelta(days=1)
            while closes < start + self.minutes and (following := self.shop.day(date_after)):
                follows, ends, breaks = _opening(following, date_after, self.shop.zone)
                if follows > closes:
                    break
                closes, pauses, date_after = max(closes, ends), [*pauses, *breaks], date_after + timedelta(days=1)
            if closes < start + self.minutes:
                continue
            against = {"on_break" for pause in pauses if any(start + tick in pause for tick in self._at_work)}
            against |= {"off_grid"} if (start - opens) % self.shop.rules.step else set()
            if not against:
                return frozenset()
            reasons |= against
        return frozenset(reasons if reasons == {"closed"} else reasons - {"closed"})


def _if(objects: bool, reason: str) -> frozenset[str]:  # noqa: FBT001 -- a reason, if
    return frozenset({reason} if objects else ())


@lru_cache(maxsize=50_000)
def _date_of(minute: int, zone: str) -> date:
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone)).date()


@lru_cache(maxsize=1024)
def _opening(day: Day, begins: date, zone: str) -> tuple[int, int, tuple[frozenset[int], ...]]:
    midnight = datetime(begins.year, begins.month, begins.day)  # noqa: DTZ001 -- wall-clock time

    def minute(after: int) -> int:
        wall = (midnight + timedelta(minutes=after)).replace(tzinfo=ZoneInfo(zone))
        return int(wall.astimezone(UTC).timestamp()) // 60

    pauses = tuple(frozenset(range(minute(start), minute(end), TICK)) for start, end in day.breaks)
    return minute(day.opens), minute(day.closes), pauses
