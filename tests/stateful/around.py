"""Model reviews, promo codes, the waitlist and the walk-in queue."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from statistics import fmean
from uuid import UUID

from tests.stateful.model import DAY, Entry, Model, Person, Refused, Review, Use, Visit, Waiting
from tests.stateful.shops import TICK, Wish

REVIEWS_EDITABLE = 14 * 24 * 60
OFFER_HELD = 10
MOST_UNANSWERED = 3
GIVES_UP_TIME = {"cancel", "decline", "expire", "no_show", "complete", "reschedule", "delay"}
KEEPS_PROPOSAL = {"delay", "tip", "note"}
CLOSES_PROPOSAL = {"reschedule", "reject", "withdraw", "lapse"}
AGREED = {"accepted", "in_progress", "completed"}
NewId = Callable[[UUID, int, UUID], UUID | None]


# -- Reviews -----------------------------------------------------------------------------------------------------------


def review(model: Model, person: Person, key: UUID, stars: int) -> None:
    visit = model.visits[key]
    if visit.customer != person.id:
        raise Refused("not_found")
    if visit.status != "completed":
        raise Refused("visit_not_completed")
    if key in model.reviews:
        raise Refused("review_exists")
    model.reviews[key] = Review(visit.shop, person.id, stars, model.now)


def edit_review(model: Model, person: Person, key: UUID, stars: int) -> None:
    model.reviews[key] = _open_review(model, person, key)._replace(stars=stars)


def remove_review(model: Model, person: Person, key: UUID) -> None:
    model.reviews[key] = _open_review(model, person, key)._replace(shown=False)


def _open_review(model: Model, person: Person, key: UUID) -> Review:
    found = model.reviews.get(key)
    if found is None or not found.shown or person.id not in {found.customer, model.admin.id}:
        raise Refused("not_found")
    if person.role != "admin" and model.now >= found.at + REVIEWS_EDITABLE:
        raise Refused("review_closed")
    return found


def rating(model: Model, shop: UUID) -> tuple[float | None, int]:
    stars = [one.stars for one in model.reviews.values() if one.shown and one.shop == shop]
    return (fmean(stars) if stars else None), len(stars)


# -- Promo codes -------------------------------------------------------------------------------------------------------


def claim(model: Model, key: UUID, customer: UUID, code: str) -> None:
    promo, uses = model.promos[code], [use for use in model.uses.values() if use.code == code]
    if promo.most_each is not None and sum(use.customer == customer for use in uses) >= promo.most_each:
        raise Refused("promo_refused", frozenset({"promo_used_up_by_you"}))
    if promo.most is not None and len(uses) >= promo.most:
        raise Refused("promo_refused", frozenset({"promo_exhausted"}))
    model.uses[key] = Use(code, customer)


def create_with(model: Model, key: UUID, customer: UUID, wish: Wish, start: int, code: str) -> None:
    """Create a booking with a promo code: 10 % off, rounded half to even."""
    model.check_shop(wish, start)
    claim(model, key, customer, code)
    try:
        model.create(key, customer, wish, start)
    except Refused:
        del model.uses[key]
        raise
    visit = model.visits[key]
    model.visits[key] = replace(visit, code=code, price=visit.price - round(Fraction(visit.price, 10)))


def give_back(model: Model, key: UUID) -> None:
    """Release the code of a cancelled visit, except after a no-show or a late cancellation."""
    visit = model.visits[key]
    if visit.status == "cancelled" and not visit.used:
        model.uses.pop(key, None)


# -- The waitlist ------------------------------------------------------------------------------------------------------


def on_event(model: Model, key: UUID, version: int, new_id: NewId) -> None:
    """Apply the effects of a history entry; `new_id` returns the booking id of an offer."""
    visit = model.visits[key]
    refused_by = None
    if visit.origin == "waitlist":
        _settle(model, key, visit)
        has_said_yes = any(entry.action == "accept" and entry.by == "customer" for entry in visit.history)
        if visit.status == "cancelled" and not _is_agreed(visit) and not has_said_yes:
            refused_by = visit.customer
    if starts := _given_up(visit, version):
        shop = model.shops[visit.shop]
        first = shop.date_of(min(starts)) - timedelta(days=1)
        last = shop.date_of(max(starts) + visit.end - visit.start) + timedelta(days=1)
        fill(model, visit.shop, (first, last), new_id, refused_by)


def _is_agreed(visit: Visit) -> bool:
    return any(entry.status in AGREED for entry in visit.history)


def _settle(model: Model, key: UUID, visit: Visit) -> None:
    offered = [name for name, one in model.waiting.items() if one.visit == key and one.state == "offered"]
    if not offered or visit.status == "requested":
        return
    [name] = offered
    one = model.waiting[name]
    if _is_agreed(visit):
        model.waiting[name] = one._replace(state="booked")
        return
    has_said_yes = any(entry.action == "accept" and entry.by == "customer" for entry in visit.history)
    ran_out = visit.history[-1].action == "expire" and not has_said_yes
    passed = visit.shop, visit.start
    for other, its in model.waiting.items():
        if its.customer == one.customer and its.state == "waiting" and passed not in its.passed:
            model.waiting[other] = its._replace(passed=(*its.passed, passed))
    state = "lapsed" if ran_out and one.unanswered + 1 >= MOST_UNANSWERED else "waiting"
    model.waiting[name] = one._replace(
        state=state, visit=None, passed=(*one.passed, passed), unanswered=one.unanswered + ran_out
    )


def _given_up(visit: Visit, version: int) -> list[int]:
    """Return the starts that the visit gave up with this version: its own and its proposed start."""
    before, action = visit.history[: version - 1], visit.history[version - 1].action
    starts: list[int] = []
    if action in GIVES_UP_TIME:
        timed = {"create", "offer", "reschedule", "delay"}
        starts.append([entry.start for entry in before if entry.action in timed and entry.start is not None][-1])
    if action not in KEEPS_PROPOSAL and (proposed := _proposed(before)) is not None:
        starts.append(proposed)
    return starts


def _proposed(history: tuple[Entry, ...]) -> int | None:
    """Return the proposed start after these entries; a change of the status closes a proposal."""
    proposed, status = None, ""
    for entry in history:
        if entry.action in CLOSES_PROPOSAL or entry.status != status:
            proposed = None
        if entry.action == "propose":
            proposed = entry.start
        status = entry.status
    return proposed


def fill(
    model: Model, shop: UUID, dates: tuple[date, date] | None, new_id: NewId, refused_by: UUID | None = None
) -> None:
    """Offer the times to waiting customers in turn; the customer of the last refusal comes last."""
    turn = [name for name, _ in _in_turn(model)]
    last = [name for name in turn if model.waiting[name].customer == refused_by]
    for name in [*(name for name in turn if name not in last), *last]:
        one = model.waiting[name]
        if one.state == "waiting" and one.shop in {None, shop}:
            start = first_free(model, one, shop, dates)
            if start is not None and not _holds(model, one.customer):
                key = new_id(name, start, shop)
                if key is None:
                    raise AssertionError(f"{one} should have been offered {start} at {shop}")
                offer(model, name, shop, start, key)


def offer(model: Model, name: UUID, shop: UUID, start: int, key: UUID) -> None:
    one = model.waiting[name]
    model.offer(key, one.customer, Wish(model.shops[shop], one.offers), start, min(model.now + OFFER_HELD, start))
    model.waiting[name] = one._replace(state="offered", visit=key)


def _holds(model: Model, customer: UUID) -> bool:
    return any(one.customer == customer and one.state == "offered" for one in model.waiting.values())


def _in_turn(model: Model) -> list[tuple[UUID, Waiting]]:
    """Sort by the number of unanswered offers, then by the time of joining."""
    waiting = [(name, one) for name, one in model.waiting.items() if one.state == "waiting"]
    return sorted(waiting, key=lambda each: (each[1].unanswered, each[1].joined, each[0]))


def first_free(model: Model, one: Waiting, shop: UUID, dates: tuple[date, date] | None = None) -> int | None:
    wish = Wish(model.shops[shop], one.offers)
    taken, seats = model.taken(shop), model.seats(shop)
    for start in _starts(one, wish):
        within = dates is None or dates[0] <= wish.shop.date_of(start) <= dates[1]
        if within and (shop, start) not in one.passed and not wish.objections(start, model.now, taken, seats):
            return start
    return None


def _starts(one: Waiting, wish: Wish) -> range:
    return range(-(-one.earliest // TICK) * TICK, one.latest - wish.minutes + 1, TICK)


def join(model: Model, name: UUID, one: Waiting, key: UUID | None) -> None:
    """Join the waitlist; `key` is the id of the booking that is offered at once if a time is free."""
    shops = [one.shop] if one.shop else sorted(model.shops)
    if not any(_is_possible(model, one, shop) for shop in shops):
        raise Refused("wish_cannot_be_met")
    for other, its in model.waiting.items():
        if its.state in {"waiting", "offered"} and _same(its, one):
            if name not in {other, UUID(int=0)}:
                raise Refused(f"should be {other}")
            return
    model.waiting[name] = one
    if _holds(model, one.customer):
        return
    for shop in shops:
        start = first_free(model, one, shop)
        if start is not None:
            if key is None:
                raise Refused(f"should be offered {start} at {shop}")
            offer(model, name, shop, start, key)
            return


def _same(one: Waiting, other: Waiting) -> bool:
    def wish(each: Waiting) -> tuple[object, ...]:
        return each.customer, each.shop, sorted(each.offers), each.earliest, each.latest

    return wish(one) == wish(other)


def _is_possible(model: Model, one: Waiting, shop: UUID) -> bool:
    wish = Wish(model.shops[shop], one.offers)
    return any(not wish.objections_of_the_shop(start, model.now) for start in _starts(one, wish))


def reconcile(model: Model, new_id: NewId) -> None:
    """End past entries, and offer free times to waiting customers in turn."""
    for name, one in model.waiting.items():
        if one.state == "waiting" and one.latest <= model.now:
            model.waiting[name] = one._replace(state="lapsed")
    holding = {one.customer for one in model.waiting.values() if one.state == "offered"}
    for name, one in _in_turn(model):
        if one.customer in holding:
            continue
        for shop in [one.shop] if one.shop else sorted(model.shops):
            start = first_free(model, one, shop)
            if start is not None:
                day = model.shops[shop].date_of(start)
                fill(model, shop, (day, day), new_id)
                if model.waiting[name].state != "waiting":
                    break


def leave(model: Model, name: UUID) -> None:
    one = model.waiting[name]
    if one.state in {"waiting", "offered"}:
        model.waiting[name] = one._replace(state="left")


# -- The queue ---------------------------------------------------------------------------------------------------------


def seat(model: Model, name: UUID, key: UUID | None, minutes: int | None) -> None:
    """Seat a walk-in; `key` is the id of the visit that begins."""
    one = model.walk_ins[name]
    if one.state not in {"waiting", "seated"}:
        raise Refused("not_waiting")
    if one.visit is not None:
        return
    if model.now > one.joined + DAY:
        raise Refused("outside_window")
    wish = Wish(model.shops[one.shop], one.offers)
    model.seat(key or name, one.customer, wish, minutes or wish.minutes)
    model.walk_ins[name] = one._replace(state="seated", visit=key)


def drop_out(model: Model, name: UUID, state: str) -> None:
    """End a walk-in that left or missed its turn."""
    one = model.walk_ins[name]
    if one.state == "waiting":
        model.walk_ins[name] = one._replace(state=state)
    elif state == "missed":  # unless it was asked while they sat down
        raise Refused("not_waiting" if one.state != "seated" else "not_waiting|ok")
