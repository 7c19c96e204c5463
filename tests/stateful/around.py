"""What ought to follow around visits: reviews, promo codes, the waitlist and the queue, in the same manner."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from statistics import fmean
from uuid import UUID

from tests.stateful.model import DAY, Model, Person, Refused, Review, Use, Visit, Waiting
from tests.stateful.shops import TICK, Wish

REVIEWS_EDITABLE = 14 * 24 * 60
OFFER_HELD = 10
MOST_UNANSWERED = 3
FREEING = {"cancel", "decline", "expire", "no_show", "complete", "reschedule", "reject", "withdraw", "lapse"}
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


def rating(model: Model, shop: UUID) -> tuple[float, int]:
    stars = [one.stars for one in model.reviews.values() if one.shown and one.shop == shop]
    return (fmean(stars) if stars else 0.0), len(stars)


# -- Promo codes -------------------------------------------------------------------------------------------------------


def claim(model: Model, key: UUID, customer: UUID, code: str) -> None:
    promo, uses = model.promos[code], [use for use in model.uses.values() if use.code == code]
    if promo.most_each is not None and sum(use.customer == customer for use in uses) >= promo.most_each:
        raise Refused("promo_refused", frozenset({"promo_used_up_by_you"}))
    if promo.most is not None and len(uses) >= promo.most:
        raise Refused("promo_refused", frozenset({"promo_exhausted"}))
    model.uses[key] = Use(code, customer)


def create_with(model: Model, key: UUID, customer: UUID, wish: Wish, start: int, code: str) -> None:
    """A tenth off, a half of a cent to the even one."""
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
    """Unless somebody did not come, or called an accepted visit off too late."""
    visit = model.visits[key]
    if visit.status == "cancelled" and not visit.used:
        model.uses.pop(key, None)


# -- The waitlist ------------------------------------------------------------------------------------------------------


def react(model: Model, key: UUID, version: int, new_id: NewId) -> None:
    """To the entry of a visit's history. `new_id` knows the id of what is offered to whom and when."""
    visit = model.visits[key]
    if visit.origin == "waitlist":
        _settle(model, key, visit)
    if visit.history[version - 1].action in FREEING:
        start, end = _freed(visit, version)
        if end > model.now:
            for name, one in _in_turn(model):
                if one.shop in {None, visit.shop}:
                    _ask(model, name, (visit.shop, start, end), new_id)


def _settle(model: Model, key: UUID, visit: Visit) -> None:
    offered = [name for name, one in model.waiting.items() if one.visit == key and one.state == "offered"]
    if not offered or (visit.status == "requested" and visit.awaits == "customer"):
        return
    [name] = offered
    one = model.waiting[name]
    if visit.status != "cancelled":
        model.waiting[name] = one._replace(state="booked")
        return
    ran_out = visit.history[-1].action == "expire"
    state = "lapsed" if ran_out and one.unanswered + 1 >= MOST_UNANSWERED else "waiting"
    passed = (*one.passed, (visit.shop, visit.start))
    model.waiting[name] = one._replace(state=state, visit=None, passed=passed, unanswered=one.unanswered + ran_out)


def _freed(visit: Visit, version: int) -> tuple[int, int]:
    """When it was to take place, or was proposed to, before it was changed."""
    before, action = visit.history[: version - 1], visit.history[version - 1].action
    start = visit.start
    if action == "reschedule":
        timed = {"create", "offer", "reschedule", "delay"}
        start = [entry.start for entry in before if entry.action in timed and entry.start is not None][-1]
    elif action in {"reject", "withdraw", "lapse"}:
        start = [entry.start for entry in before if entry.action == "propose" and entry.start is not None][-1]
    return start, start + visit.end - visit.start


def _in_turn(model: Model) -> Iterator[tuple[UUID, Waiting]]:
    """Who has let fewer offers pass comes first, then who has waited for longest."""
    waiting = [(name, one) for name, one in model.waiting.items() if one.state == "waiting"]
    yield from sorted(waiting, key=lambda each: (each[1].unanswered, each[1].joined, each[0]))


def _ask(model: Model, name: UUID, freed: tuple[UUID, int, int], new_id: NewId) -> None:
    shop, begin, end = freed
    one = model.waiting[name]
    wish = Wish(model.shops[shop], one.offers)
    latest = min(end, one.latest - wish.minutes + 1)
    for start in range(-(-max(begin - wish.minutes + 1, one.earliest) // TICK) * TICK, latest, TICK):
        if (shop, start) in one.passed or model.objections(wish, start):
            continue
        key = new_id(name, start, shop)
        if key is None:
            raise AssertionError(f"{one} should have been offered {start} at {shop}")
        model.offer(key, one.customer, wish, start, min(model.now + OFFER_HELD, start))
        model.waiting[name] = one._replace(state="offered", visit=key)
        return


def heal(model: Model) -> None:
    for name, one in model.waiting.items():
        if one.state == "waiting" and one.latest <= model.now:
            model.waiting[name] = one._replace(state="lapsed")


def leave(model: Model, name: UUID) -> None:
    one = model.waiting[name]
    if one.state in {"waiting", "offered"}:
        model.waiting[name] = one._replace(state="left")


# -- The queue ---------------------------------------------------------------------------------------------------------


def seat(model: Model, name: UUID, key: UUID | None, minutes: int | None) -> None:
    """`key` is the visit's, where it began."""
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
    """Gone, or not there when it was their turn."""
    one = model.walk_ins[name]
    if one.state == "waiting":
        model.walk_ins[name] = one._replace(state=state)
    elif state == "missed":  # unless it was asked while they sat down
        raise Refused("not_waiting" if one.state != "seated" else "not_waiting|ok")
