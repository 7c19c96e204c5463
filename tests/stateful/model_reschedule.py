"""Model reschedules, proposals and delays."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from tests.stateful.model import ANSWER_WITHIN, Entry, Model, Person, Proposal, Refused, Visit
from tests.stateful.shops import TICK, Wish

MOVABLE = {"requested", "accepted"}
FARTHEST = 366 * 24 * 60
DAY = 24 * 60


def wish_of(model: Model, visit: Visit) -> Wish:
    return Wish(model.shops[visit.shop], visit.offers)


def reschedule(model: Model, person: Person, key: UUID, start: int) -> None:
    """Reschedule at once, propose to the required approver, or accept the other side's equal proposal."""
    visit = model.seen(person, key)
    proposal = visit.proposal
    is_proposed = proposal is not None and proposal.start == start
    if visit.status in MOVABLE and (visit.start == start or (is_proposed and _awaited(visit) != person.role)):
        return
    if proposal and is_proposed and proposal.awaits == person.role:
        model.visits[key] = _agreed(visit, proposal, person)
        return
    wish = wish_of(model, visit)
    awaits = _who_must_agree(model, visit, person, wish)
    if person.role != "barber":
        model.check_shop(wish, start)
    elif reasons := _against_the_barber(model.now, start):
        raise Refused("slot_not_offered", frozenset(reasons))
    model.room_for(wish, start, own=key)
    model.visits[key] = _moved(model.now, visit, wish, start, person, awaits)


def _moved(now: int, visit: Visit, wish: Wish, start: int, person: Person, awaits: str | None) -> Visit:
    ticks, seats = wish.ticks(start), wish.seats(start)
    if awaits:
        answer_by = min(now + ANSWER_WITHIN, visit.start, start)
        entry = Entry("propose", visit.status, person.role, None, start)
        return visit.becomes(entry, proposal=Proposal(start, awaits, answer_by, ticks, seats))
    entry = Entry("reschedule", visit.status, person.role, None, start)
    moved = visit.becomes(entry, start=start, end=start + wish.minutes, ticks=ticks, seats=seats, proposal=None, late=0)
    if visit.status != "requested":
        return moved
    return replace(moved, awaits="barber", answer_by=min(now + ANSWER_WITHIN, start))


def _agreed(visit: Visit, proposal: Proposal, person: Person) -> Visit:
    start = proposal.start
    return visit.becomes(
        Entry("reschedule", "accepted", person.role, None, start),
        start=start,
        end=start + visit.end - visit.start,
        ticks=proposal.ticks,
        seats=proposal.seats,
        proposal=None,
        late=0,
        awaits=None,
        answer_by=None,
    )


def _awaited(visit: Visit) -> str | None:
    return visit.proposal.awaits if visit.proposal else None


def _who_must_agree(model: Model, visit: Visit, person: Person, wish: Wish) -> str | None:
    if visit.status not in MOVABLE or visit.start <= model.now or visit.awaits == "customer":
        raise Refused("wrong_state")
    if person.role == "barber":
        return "customer" if visit.customer else None
    if person.role == "admin" or visit.status == "requested":
        return None
    is_barbers_wish = visit.late or _awaited(visit) == "customer"
    if not is_barbers_wish and model.now > visit.start - visit.notice_of_moving:
        raise Refused("too_late_to_reschedule")
    return None if wish.auto else "barber"


def _against_the_barber(now: int, start: int) -> set[str]:
    if start % TICK:
        return {"misaligned"}
    if start <= now:
        return {"too_soon"}
    return {"beyond_horizon"} if start > now + FARTHEST else set()


def answer(model: Model, person: Person, key: UUID, action: str) -> None:
    """Accept, reject or withdraw the open proposal."""
    visit = model.seen(person, key)
    proposal, entry = visit.proposal, visit.history[-1]
    named = "reschedule" if action == "accept" else action
    if proposal is None:
        if (entry.action, entry.by) == (named, person.role):
            return
        raise Refused("no_proposal")
    if (proposal.awaits == person.role) is (action == "withdraw"):
        raise Refused("no_proposal")
    if action == "accept":
        model.visits[key] = _agreed(visit, proposal, person)
    else:
        closed = visit.becomes(Entry(action, visit.status, person.role, None, proposal.start), proposal=None)
        model.visits[key] = closed.by_time(model.now)


class Later(NamedTuple):
    visit: UUID
    start: int
    end: int


def late(model: Model, person: Person, key: UUID, minutes: int, told: tuple[Sequence[Later], dict[UUID, int]]) -> None:
    """Apply a delay; the shifted visits and the proposals are taken from the answer, within bounds."""
    visit = model.seen(person, key)
    shop = model.shops[visit.shop]
    is_today = any(day(visit.start) == day(model.now) for day in (shop.date_of, shop.day_of_opening))
    if visit.status != "in_progress" and (visit.status != "accepted" or not is_today):
        raise Refused("wrong_state")
    model.run_out_near(visit)
    shifted, proposed = told
    for one in shifted:
        model.visits[one.visit] = _later(model.visits[one.visit], one, minutes, person)
    for name, start in proposed.items():
        if model.visits[name].proposal is None:
            reschedule(model, person, name, start)


def _later(visit: Visit, one: Later, minutes: int, person: Person) -> Visit:
    by = one.end - visit.end
    begun = visit.status == "in_progress"
    assert 0 < by <= minutes, (visit, one)
    assert one.start == (visit.start if begun else visit.start + by), (visit, one)
    last = max(visit.ticks) + TICK
    ticks = visit.ticks | set(range(last, last + by, TICK)) if begun else {tick + by for tick in visit.ticks}
    entry = Entry("delay", visit.status, person.role, None, one.start)
    return visit.becomes(entry, start=one.start, end=one.end, ticks=frozenset(ticks), late=visit.late + by)
