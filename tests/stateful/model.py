"""Model visits in memory, one command after the other."""

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tests.stateful.shops import TICK, Seat, Shop, Wish

ANSWER_WITHIN = 120
LONG_AGO = 30 * 24 * 60
DAY = 24 * 60
START_BEFORE, UNDO_AFTER = 120, 15


class Refused(Exception):
    """Holds the expected error code; if there are `reasons`, the answer names at least one of them."""

    def __init__(self, code: str, reasons: frozenset[str] = frozenset()) -> None:
        super().__init__(code, *sorted(reasons))
        self.code, self.reasons = code, reasons


class Person(NamedTuple):
    role: str
    id: UUID


GROME = Person("system", UUID(int=0))


class Entry(NamedTuple):
    action: str
    status: str
    by: str
    reason: str | None = None
    start: int | None = None


class Proposal(NamedTuple):
    """Holds a proposed time with the ticks and seats that the visit would have."""

    start: int
    awaits: str
    answer_by: int
    ticks: frozenset[int]
    seats: frozenset[Seat]


@dataclass(frozen=True)
class Visit:
    """Holds a visit; `ticks` and `seats` belong to its present time, without an open proposal.

    `moved_at` is the moment of the last start or no-show. `kept` are the ticks and seats before its
    its end, and `used` is whether its end leaves the customer without the promo code.
    """

    shop: UUID
    customer: UUID | None
    offers: tuple[int, ...]
    start: int
    end: int
    ticks: frozenset[int]
    seats: frozenset[Seat]
    status: str
    awaits: str | None
    answer_by: int | None
    history: tuple[Entry, ...]
    origin: str = "direct"
    reason: str | None = None
    notice_of_cancelling: int = 0
    notice_of_moving: int = 0
    proposal: Proposal | None = None
    late: int = 0
    tip: int = 0
    price: int = 0
    code: str | None = None
    ended_at: int = 0
    moved_at: int = 0
    kept: tuple[frozenset[int], frozenset[Seat]] = field(default=(frozenset(), frozenset()), compare=False)
    used: bool = field(default=False, compare=False)

    @property
    def is_active(self) -> bool:
        return self.status != "cancelled"

    @property
    def held(self) -> frozenset[int]:
        return self.ticks | (self.proposal.ticks if self.proposal else frozenset())

    def ends(self, entry: Entry, now: int) -> "Visit":
        free: dict[str, object] = {"ticks": frozenset(), "seats": frozenset(), "kept": (self.ticks, self.seats)}
        used = self.is_used_by(entry.reason, now)
        return self.becomes(entry, reason=entry.reason, awaits=None, answer_by=None, ended_at=now, used=used, **free)

    def is_used_by(self, reason: str | None, now: int) -> bool:
        """Return whether the end uses up a promo code: a no-show or late cancellation, unless the barber is late."""
        if self.late or self.status != "accepted":
            return False
        asked = self.proposal.answer_by if self.proposal and self.proposal.awaits == "customer" else 0
        is_late = now > max(self.start - self.notice_of_cancelling, asked)
        return reason == "no_show" or (reason == "customer" and is_late)

    @property
    def recorded_until(self) -> int:
        return self.end + DAY

    @property
    def completed_until(self) -> int:
        return max(self.end, self.moved_at) + DAY

    @property
    def held_seats(self) -> frozenset[Seat]:
        """Return the seats of the visit and of its proposal; on the same day both have the same seat."""
        return self.seats | (self.proposal.seats if self.proposal else frozenset())

    def becomes(self, entry: Entry, **changed: object) -> "Visit":
        """Return the visit after an entry; a change of the status closes an open proposal."""
        if entry.status != self.status:
            changed.setdefault("proposal", None)
        return replace(self, status=entry.status, history=(*self.history, entry), **changed)  # type: ignore[arg-type]

    def by_time(self, now: int) -> "Visit":
        """Return the visit after its overdue updates: a proposal lapses, then a request may expire."""
        visit = self
        if visit.proposal and visit.proposal.answer_by <= now:
            lapsed = Entry("lapse", visit.status, "system", None, visit.proposal.start)
            visit = visit.becomes(lapsed, proposal=None)
        waits = visit.status == "requested" and visit.proposal is None and visit.answer_by is not None
        if waits and (visit.answer_by or 0) <= now:
            visit = visit.ends(Entry("expire", "cancelled", "system", "expired"), now)
        if visit.status == "accepted" and now > visit.recorded_until + DAY:
            visit = visit.ends(Entry("cancel", "cancelled", "system", "system"), now)
        if visit.status == "in_progress" and now > visit.completed_until:
            visit = visit.becomes(Entry("complete", "completed", "system"), ended_at=now)
        return visit


class Review(NamedTuple):
    shop: UUID
    customer: UUID
    stars: int
    at: int
    shown: bool = True


class Promo(NamedTuple):
    most: int | None
    most_each: int | None


class Use(NamedTuple):
    code: str
    customer: UUID


class Waiting(NamedTuple):
    """Holds a waitlist entry for a shop, or for any shop if `shop` is None."""

    customer: UUID
    shop: UUID | None
    offers: tuple[int, ...]
    earliest: int
    latest: int
    joined: int
    state: str = "waiting"
    visit: UUID | None = None
    unanswered: int = 0
    passed: tuple[tuple[UUID, int], ...] = ()


class WalkIn(NamedTuple):
    shop: UUID
    day: date
    customer: UUID | None
    offers: tuple[int, ...]
    state: str = "waiting"
    visit: UUID | None = None
    joined: int = 0


_FROM = {
    "accept": {"requested"},
    "decline": {"requested"},
    "start": {"accepted"},
    "complete": {"in_progress"},
    "no_show": {"accepted"},
    "cancel": {"requested", "accepted"},
    "undo": {"in_progress", "cancelled"},
}
_MOVES = {*_FROM, "expire"}
_ENDS = {"decline": "declined", "no_show": "no_show", "expire": "expired"}
_TO = {"accept": "accepted", "start": "in_progress", "complete": "completed"}


class Model:
    """Holds immutable values, so that a copy is cheap."""

    def __init__(self, now: int, shops: list[Shop], admin: Person) -> None:
        self.now, self.admin = now, admin
        self.shops = {shop.id: shop for shop in shops}
        self.visits: dict[UUID, Visit] = {}
        self.reviews: dict[UUID, Review] = {}
        self.promos: dict[str, Promo] = {}
        self.uses: dict[UUID, Use] = {}
        self.waiting: dict[UUID, Waiting] = {}
        self.walk_ins: dict[UUID, WalkIn] = {}

    def copy(self) -> "Model":
        other = copy.copy(self)
        for name, held in vars(self).items():
            if isinstance(held, dict):
                setattr(other, name, held.copy())
        return other

    # -- Occupied time ------------------------------------------------------------------------------------------------

    def of_shop(self, shop: UUID) -> Iterator[tuple[UUID, Visit]]:
        return ((key, visit) for key, visit in self.visits.items() if visit.shop == shop and visit.is_active)

    def taken(self, shop: UUID, but: UUID | None = None) -> frozenset[int]:
        return frozenset().union(*(visit.held for key, visit in self.of_shop(shop) if key != but))

    def seats(self, shop: UUID, but: UUID | None = None) -> Counter[Seat]:
        return Counter(seat for key, visit in self.of_shop(shop) if key != but for seat in visit.held_seats)

    def objections(self, wish: Wish, start: int) -> frozenset[str]:
        return wish.objections(start, self.now, self.taken(wish.shop.id), self.seats(wish.shop.id))

    # -- Creation ------------------------------------------------------------------------------------------------------

    def room_for(self, wish: Wish, start: int, own: UUID | None = None) -> None:
        """Make room by ending overdue visits; raises Refused if the time stays taken.

        `own` is the visit to be rescheduled: it does not block itself, and keeps its seats.
        """
        if against := self._in_the_way(wish, start, own):
            for key, visit in list(self.of_shop(wish.shop.id)):
                if key != own and (wish.ticks(start) & visit.held or wish.seats(start) & visit.held_seats):
                    self.visits[key] = visit.by_time(self.now)
            against = self._in_the_way(wish, start, own)
        if against:
            raise Refused(*against)

    def could_move(self, key: UUID, wish: Wish, start: int) -> bool:
        """Return whether the visit could be rescheduled to the start."""
        return not wish.objections_of_the_shop(start, self.now) and self._in_the_way(wish, start, key) is None

    def _in_the_way(self, wish: Wish, start: int, own: UUID | None) -> tuple[str, frozenset[str]] | None:
        counted, kept = self.seats(wish.shop.id), self.visits[own].held_seats if own else frozenset()
        day = wish.shop.date_of(start)
        if any((day, of) not in kept and counted[day, of] >= most for of, most in wish.caps.items()):
            return "slot_not_offered", frozenset({"day_full"})
        is_free = self.taken(wish.shop.id, but=own).isdisjoint(wish.ticks(start))
        return None if is_free else ("slot_taken", frozenset())

    def check_shop(self, wish: Wish, start: int) -> None:
        if reasons := wish.objections_of_the_shop(start, self.now):
            raise Refused("slot_not_offered", reasons)

    def create(self, key: UUID, customer: UUID, wish: Wish, start: int) -> None:
        self.check_shop(wish, start)
        self.room_for(wish, start)
        status = "accepted" if wish.auto else "requested"
        self.visits[key] = self._visit(customer, wish, start, Entry("create", status, "customer", None, start))

    def offer(self, key: UUID, customer: UUID, wish: Wish, start: int, answer_by: int) -> None:
        """Create an offer to a waiting customer; the time must be free."""
        visit = self._visit(customer, wish, start, Entry("offer", "requested", "system", None, start))
        self.visits[key] = replace(visit, awaits="customer", answer_by=answer_by, origin="waitlist")

    def seat(self, key: UUID, customer: UUID | None, wish: Wish, minutes: int) -> None:
        """Seat a walk-in; no availability rule applies except that the time is free."""
        start = self.now // TICK * TICK
        ticks = frozenset(range(start, start + minutes, TICK))
        if not ticks.isdisjoint(self.taken(wish.shop.id)):
            for other, visit in list(self.of_shop(wish.shop.id)):
                if ticks & visit.held:
                    self.visits[other] = visit.by_time(self.now)
            if not ticks.isdisjoint(self.taken(wish.shop.id)):
                raise Refused("slot_taken")
        created = Entry("create", "accepted", "barber", None, start)
        visit = self._visit(customer, wish, start, created)
        started = visit.becomes(Entry("start", "in_progress", "barber"))
        self.visits[key] = replace(
            started,
            end=start + minutes,
            ticks=ticks,
            seats=frozenset(),
            awaits=None,
            answer_by=None,
            origin="walk_in",
            moved_at=self.now,
            kept=(ticks, frozenset()),
        )

    def _visit(self, customer: UUID | None, wish: Wish, start: int, made: Entry) -> Visit:
        waits = made.status == "requested"
        return Visit(
            shop=wish.shop.id,
            customer=customer,
            offers=wish.offers,
            start=start,
            end=start + wish.minutes,
            ticks=wish.ticks(start),
            seats=wish.seats(start),
            status=made.status,
            awaits="barber" if waits else None,
            answer_by=min(self.now + ANSWER_WITHIN, start) if waits else None,
            history=(made,),
            notice_of_cancelling=wish.shop.notice_of_cancelling,
            notice_of_moving=wish.shop.notice_of_moving,
            price=wish.price,
        )

    # -- Transitions ---------------------------------------------------------------------------------------------------

    def seen(self, person: Person, key: UUID) -> Visit:
        """Return the visit after overdue updates; raises Refused for a foreign visit."""
        visit = self.visits[key]
        own = {"customer": visit.customer, "barber": visit.shop, "admin": person.id, "system": person.id}
        if own[person.role] != person.id:
            raise Refused("not_found")
        self.visits[key] = visit.by_time(self.now)
        return self.visits[key]

    def run_out(self) -> None:
        """Apply the updates of the jobs that run every minute."""
        for key, visit in list(self.visits.items()):
            if visit.status != "in_progress" or self.now > visit.recorded_until + DAY:
                self.visits[key] = visit.by_time(self.now)

    def run_out_near(self, visit: Visit) -> None:
        """Apply overdue updates of visits that hold time within two days from the start of a visit."""
        first = min(visit.start, *visit.ticks)
        for key, other in list(self.of_shop(visit.shop)):
            if any(first <= tick < first + 2 * 24 * 60 for tick in other.held):
                self.visits[key] = other.by_time(self.now)

    def move(self, person: Person, key: UUID, action: str) -> None:
        visit = self.seen(person, key)
        last = next(entry.action for entry in reversed(visit.history) if entry.action in {*_MOVES, "create", "offer"})
        awaited = visit.awaits or "barber"
        is_answer = action in {"accept", "decline"}
        if visit.status not in _FROM[action] or (is_answer and person.role != awaited):
            if last == action:
                return
            raise Refused("wrong_state")
        if not self._is_in_window(visit, person, action):
            raise Refused("outside_window")
        if action in _ENDS or action == "cancel":
            reason = _ENDS.get(action) or ("system" if person.role == "admin" else person.role)
            ended = visit.ends(Entry(action, "cancelled", person.role, reason), self.now)
            self.visits[key] = replace(ended, moved_at=self.now) if action == "no_show" else ended
        elif action == "accept" and person.role == "customer" and not self._is_unasked(visit):
            entry, answer_by = Entry(action, "requested", person.role), min(self.now + ANSWER_WITHIN, visit.start)
            self.visits[key] = visit.becomes(entry, awaits="barber", answer_by=answer_by)
        else:
            done = visit.becomes(Entry(action, _TO[action], person.role), awaits=None, answer_by=None)
            then = {"complete": self._completed, "start": self._started}
            self.visits[key] = then[action](key, done) if action in then else done

    def _is_in_window(self, visit: Visit, person: Person, action: str) -> bool:
        match action, person.role:
            case "start", _:
                return visit.start - START_BEFORE <= self.now <= visit.recorded_until
            case "complete", _:
                return self.now <= visit.completed_until
            case "no_show", _:
                return visit.start + 5 <= self.now <= visit.recorded_until
            case "cancel", "customer":
                return self.now < visit.start
            case "cancel", "barber":
                return self.now <= visit.recorded_until
            case _:
                return True

    def undo(self, person: Person, key: UUID) -> None:
        """Undo a start or a no-show that is the newest entry except tips."""
        visit = self.seen(person, key)
        newest = next(entry.action for entry in reversed(visit.history) if entry.action != "tip")
        if newest == "undo":
            return
        if newest not in {"start", "no_show"}:
            raise Refused("wrong_state")
        if self.now > visit.moved_at + UNDO_AFTER:
            raise Refused("outside_window")
        entry, (ticks, seats) = Entry("undo", "accepted", person.role), visit.kept
        if newest == "start":
            self.visits[key] = visit.becomes(entry, ticks=ticks)
            return
        if not ticks.isdisjoint(self.taken(visit.shop)):
            for name, other in list(self.of_shop(visit.shop)):
                if ticks & other.held:
                    self.visits[name] = other.by_time(self.now)
        if not ticks.isdisjoint(self.taken(visit.shop)):
            raise Refused("slot_taken")
        self.visits[key] = visit.becomes(entry, ticks=ticks, seats=seats, reason=None, ended_at=0)

    def _is_unasked(self, visit: Visit) -> bool:
        return Wish(self.shops[visit.shop], visit.offers).auto

    def _started(self, key: UUID, visit: Visit) -> Visit:
        """Claim the free ticks of an early start, up to the first tick of another visit."""
        visit = replace(visit, moved_at=self.now, kept=(visit.ticks, visit.seats))
        running, others = self.now // TICK * TICK, self.taken(visit.shop, but=key)
        early = visit.start - running
        if early <= 0:
            return visit
        claimed = set[int]()
        for tick in sorted(tick - early for tick in visit.ticks if tick - early >= running):
            if tick in others:
                break
            claimed.add(tick)
        return replace(visit, ticks=visit.ticks | claimed)

    def _completed(self, _: UUID, visit: Visit) -> Visit:
        """Keep the past ticks of a completed visit; the current tick is free."""
        running = self.now // TICK * TICK
        over = frozenset(tick for tick in visit.ticks if tick < running)
        if visit.seats:  # a seat is counted where there is a tick of its day
            over |= {visit.start}
        return replace(visit, ticks=over, ended_at=self.now)

    def tip(self, person: Person, key: UUID, amount: int) -> None:
        visit = self.seen(person, key)
        if visit.status != "completed":
            raise Refused("wrong_state")
        if visit.tip == amount:
            return
        if self.now > visit.ended_at + LONG_AGO:
            raise Refused("outside_window")
        self.visits[key] = visit.becomes(Entry("tip", visit.status, person.role), tip=amount)
