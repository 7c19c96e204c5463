"""Read the stored documents in the terms of the model."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from grome.infrastructure.mongo.client import Database
from tests.stateful.model import Entry, Model, Proposal, Review, Use, Visit, Waiting, WalkIn
from tests.stateful.shops import TICK, Day, Rules, Seat


class Set(NamedTuple):
    """Holds the settings that a barber can change."""

    rules: Rules
    overrides: dict[date, Day | None]
    time_off: dict[UUID, tuple[int, int]]


class Stored(NamedTuple):
    visits: dict[UUID, Visit]
    reviews: dict[UUID, Review]
    uses: dict[UUID, Use]
    waiting: dict[UUID, Waiting]
    walk_ins: dict[UUID, WalkIn]
    shops: dict[UUID, Set]


def as_modelled(model: Model) -> Stored:
    """Return the expected snapshot of a model; of seats, only the number is visible from outside."""
    visits = {key: _with_counted_seats(visit) for key, visit in model.visits.items()}
    shops = {key: Set(shop.rules, dict(shop.overrides), dict(shop.time_off)) for key, shop in model.shops.items()}
    return Stored(visits, model.reviews, model.uses, model.waiting, model.walk_ins, shops)


def _with_counted_seats(visit: Visit) -> Visit:
    proposal = visit.proposal and visit.proposal._replace(seats=_seats(len(visit.proposal.seats)))
    return replace(visit, seats=_seats(len(visit.seats)), proposal=proposal)


async def stored(database: Database, services: list[UUID]) -> Stored:
    offers = {service: number for number, service in enumerate(services)}

    async def of(collection: str) -> list[dict[str, Any]]:
        return await database[collection].find({}).sort("_id", 1).to_list()

    return Stored(
        {one["_id"]: _visit(one, offers) for one in await of("bookings")},
        {one["_id"]: _review(one) for one in await of("reviews")},
        {one["_id"]: Use(one["code"], one["customer_id"]) for one in await of("promo_uses")},
        {one["_id"]: _waiting(one, offers) for one in await of("waitlist")},
        {one["_id"]: _walk_in(one, offers) for one in await of("walk_ins")},
        {one["_id"]: _set(one) for one in await of("barbers")},
    )


def minute_of(when: datetime) -> int:
    return int(when.timestamp()) // 60


def _optional(when: datetime | None) -> int | None:
    return None if when is None else minute_of(when)


def _visit(one: dict[str, Any], offers: dict[UUID, int]) -> Visit:
    """Check that versions have no gaps and that the booking equals its newest entry."""
    history, proposal = one["history"], one["proposal"]
    assert [entry["version"] for entry in history] == list(range(1, one["version"] + 1))
    assert (one["status"], one["reason"]) == (history[-1]["status"], _reason_of(history))
    assert one["active"] == (one["status"] != "cancelled" and bool(one["ticks"]))
    ticks = proposal["instead_of"] if proposal else one["ticks"]
    ended = [entry["at"] for entry in history if entry["status"] == one["status"] in {"completed", "cancelled"}]
    moved = [entry["at"] for entry in history if entry["action"] in {"start", "no_show"}]
    terms = one["terms"]["cancellation"]
    return Visit(
        shop=one["barber_id"],
        customer=one["customer_id"],
        offers=tuple(offers[service["service_id"]] for service in one["services"]),
        start=minute_of(one["scheduled_at"]),
        end=minute_of(one["ends_at"]),
        ticks=_minutes(ticks) if one["active"] else frozenset(),
        seats=_seats(sum(tick < 0 for tick in ticks)) if one["active"] else frozenset(),
        status=one["status"],
        awaits=one["awaits"],
        answer_by=_optional(one["answer_by"]),
        history=tuple(_entry(entry) for entry in history),
        origin=one["origin"],
        reason=one["reason"],
        notice_of_cancelling=terms["cancel_notice_min"],
        notice_of_moving=terms["reschedule_notice_min"],
        proposal=_proposal(one, proposal) if proposal else None,
        late=one["late_min"],
        tip=one["payment"]["tip"],
        price=one["price"],
        code=one["discount"]["code"] if one["discount"] else None,
        ended_at=minute_of(ended[0]) if ended else 0,
        moved_at=minute_of(moved[-1]) if moved else 0,
    )


def _reason_of(history: list[dict[str, Any]]) -> str | None:
    if history[-1]["status"] != "cancelled":  # an end that was undone
        return None
    return next((entry["reason"] for entry in reversed(history) if entry["reason"] is not None), None)


def _entry(entry: dict[str, Any]) -> Entry:
    return Entry(entry["action"], entry["status"], entry["by"], entry["reason"], _optional(entry["scheduled_at"]))


def _proposal(one: dict[str, Any], proposal: dict[str, Any]) -> Proposal:
    assert set(one["ticks"]) == {*proposal["ticks"], *proposal["instead_of"]}
    return Proposal(
        minute_of(proposal["scheduled_at"]),
        proposal["awaits"],
        minute_of(proposal["answer_by"]),
        _minutes(proposal["ticks"]),
        _seats(sum(tick < 0 for tick in proposal["ticks"])),
    )


def _minutes(ticks: list[int]) -> frozenset[int]:
    return frozenset(tick * TICK for tick in ticks if tick >= 0)


def _seats(number: int) -> frozenset[Seat]:
    return frozenset((None, seat) for seat in range(number))


def _review(one: dict[str, Any]) -> Review:
    return Review(one["barber_id"], one["customer_id"], one["rating"], minute_of(one["created_at"]), one["shown"])


def _waiting(one: dict[str, Any], offers: dict[UUID, int]) -> Waiting:
    return Waiting(
        one["customer_id"],
        one["barber_id"],
        tuple(offers[service] for service in one["service_ids"]),
        minute_of(one["earliest"]),
        minute_of(one["latest"]),
        minute_of(one["joined_at"]),
        one["state"],
        one["booking_id"],
        one["unanswered"],
        tuple((passed["barber_id"], minute_of(passed["start"])) for passed in one["passed"]),
    )


def _walk_in(one: dict[str, Any], offers: dict[UUID, int]) -> WalkIn:
    wanted = tuple(offers[service] for service in one["service_ids"])
    day = date.fromisoformat(one["day"])
    joined = minute_of(one["joined_at"])
    return WalkIn(one["barber_id"], day, one["customer_id"], wanted, one["state"], one["booking_id"], joined)


def _set(one: dict[str, Any]) -> Set:
    rules, openings = one["rules"], one["openings"]
    return Set(
        Rules(
            step=rules["slot_step_min"],
            notice=rules["min_notice_min"],
            horizon=rules["horizon_days"],
            before=rules["buffer_before_min"],
            after=rules["buffer_after_min"],
            cap=rules["daily_cap"],
            auto=rules["auto_accept"],
        ),
        {date.fromisoformat(each["date"]): _day(each["hours"]) for each in openings["overrides"]},
        {each["id"]: (minute_of(each["starts_at"]), minute_of(each["ends_at"])) for each in openings["time_off"]},
    )


def _day(hours: dict[str, Any] | None) -> Day | None:
    if hours is None:
        return None
    opens, closes = _wall(hours["start_time"]), _wall(hours["end_time"])
    breaks = [(_wall(each["start_time"], opens), _wall(each["end_time"], opens + 1)) for each in hours["breaks"]]
    return Day(opens, _wall(f"{closes // 60:02}:{closes % 60:02}", opens + 1), tuple(breaks))


def _wall(clock: str, least: int = 0) -> int:
    """Return minutes after midnight, on the next day if they would be less than `least`."""
    hours, minutes = clock.split(":")
    found = int(hours) * 60 + int(minutes)
    return found if found >= least else found + 24 * 60
