"""A review's life over HTTP: who may do what with it, and for how long."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from grome.composition import AppContext
from grome.reviews.models import EDIT_WINDOW, MAX_TEXT_LENGTH
from tests.builders.barbers import barber
from tests.builders.bookings import book, serve, tomorrow
from tests.builders.people import admin, register, sign_in_again
from tests.builders.reviews import Visit, a_visit, edit, listed, more_visits, post, posted, put_answer, remove
from tests.conftest import SetClock


@pytest.fixture
async def visit(http: httpx.AsyncClient, context: AppContext) -> Visit:
    return await a_visit(http, context)


async def rating(http: httpx.AsyncClient, visit: Visit) -> tuple[float, int]:
    """What the barber's profile shows."""
    profile = (await http.get(f"/v1/barbers/{visit.shop.id}")).json()
    return profile["rating"], profile["reviews_count"]


async def shown(http: httpx.AsyncClient, visit: Visit) -> list[int]:
    return [one["rating"] for one in (await listed(http, visit.shop.id))["items"]]


async def test_from_the_first_word_to_the_last(http: httpx.AsyncClient, visit: Visit) -> None:
    review = await posted(http, visit, 3, "Fine.\nBut loud.")
    assert (review["booking_id"], review["barber_id"]) == (visit.booking_id, visit.shop.id)
    assert (review["rating"], review["text"], review["edited_at"], review["answer"]) == (
        3,
        "Fine.\nBut loud.",
        None,
        None,
    )
    assert (
        datetime.fromisoformat(review["editable_until"]) - datetime.fromisoformat(review["created_at"]) == EDIT_WINDOW
    )
    assert await rating(http, visit) == (3.0, 1)

    edited = (await edit(http, visit, 5, "Quiet, in the end.")).json()
    assert edited == {**review, "rating": 5, "text": "Quiet, in the end.", "edited_at": edited["edited_at"]}
    assert edited["edited_at"] >= review["created_at"]
    assert await rating(http, visit) == (5.0, 1)

    answered = (await put_answer(http, visit, "Come again!")).json()
    assert answered == {**edited, "answer": {**answered["answer"], "text": "Come again!", "edited_at": None}}
    for person in (visit.customer, visit.shop.person):
        assert (await http.get(visit.review, headers=person.auth)).json() == answered

    assert (await remove(http, visit)).status_code == 204
    assert await rating(http, visit) == (0.0, 0)
    assert await shown(http, visit) == []
    for response in (await remove(http, visit), await edit(http, visit, 4), await put_answer(http, visit, "Why?")):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    again = await post(http, visit, 1)
    assert (again.status_code, again.json()["code"]) == (409, "review_exists")
    assert await rating(http, visit) == (0.0, 0)


async def test_nothing_is_kept_of_the_words_of_a_removed_review(
    http: httpx.AsyncClient, context: AppContext, visit: Visit
) -> None:
    await posted(http, visit, 1, "Words in anger.")
    await put_answer(http, visit, "More of them.")
    await remove(http, visit)
    stored = await context.database["reviews"].find_one({"_id": UUID(visit.booking_id)})
    assert stored is not None
    assert (stored["text"], stored["answer"], stored["shown"]) == ("", None, False)


async def test_what_says_the_same_is_no_change(http: httpx.AsyncClient, visit: Visit) -> None:
    review = await posted(http, visit, 4, "Good.")
    before = (await http.get(f"/v1/barbers/{visit.shop.id}")).json()
    assert (await edit(http, visit, 4, "Good.")).json() == review
    answered = (await put_answer(http, visit, "Thanks.")).json()
    assert (await put_answer(http, visit, "Thanks.")).json() == answered
    assert (await http.get(f"/v1/barbers/{visit.shop.id}")).json() == before


@pytest.mark.parametrize("moves", [(), ("accept",), ("accept", "start"), ("cancel",)])
async def test_only_a_visit_that_took_place_is_reviewed(
    http: httpx.AsyncClient, context: AppContext, moves: tuple[str, ...]
) -> None:
    shop, customer = await barber(http, context), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    await serve(context, booking, *moves)
    refused = await post(http, Visit(customer, shop, booking["id"]), 5)
    assert (refused.status_code, refused.json()["code"]) == (409, "visit_not_completed")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({}, "rating"),
        ({"rating": 5, "text": "a" * (MAX_TEXT_LENGTH + 1)}, "text"),
        ({"rating": 5, "text": "\x00"}, "text"),
        ({"rating": 5, "answer": "Thanks."}, "answer"),
    ],
)
async def test_what_is_no_review_is_refused(
    http: httpx.AsyncClient, visit: Visit, wrong: dict[str, object], field: str
) -> None:
    for method in ("POST", "PUT"):
        refused = await http.request(method, visit.review, json=wrong, headers=visit.customer.auth)
        assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, [field])
    assert (await http.get(visit.review, headers=visit.customer.auth)).status_code == 404


async def test_a_visit_has_one_review_however_many_come_at_once(http: httpx.AsyncClient, visit: Visit) -> None:
    answers = await asyncio.gather(*(post(http, visit, 1 + number % 5) for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    (accepted,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert await rating(http, visit) == (accepted["rating"], 1)


async def test_a_repeat_under_the_same_key_gets_the_first_answer(http: httpx.AsyncClient, visit: Visit) -> None:
    first = await post(http, visit, 4, "Good.", key="one")
    assert (await edit(http, visit, 2)).status_code == 200
    for _ in range(2):
        again = await post(http, visit, 4, "Good.", key="one")
        assert (again.status_code, again.json()) == (201, first.json())
    other = await post(http, visit, 5, "Good.", key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    unknown = await post(http, visit, 4, "Good.", key="two")
    assert (unknown.status_code, unknown.json()["code"]) == (409, "review_exists")
    assert await rating(http, visit) == (2.0, 1)


async def test_a_review_can_be_changed_for_some_days(
    http: httpx.AsyncClient, context: AppContext, visit: Visit, clock: SetClock
) -> None:
    review = await posted(http, visit, 2, "Bad.")
    end = datetime.fromisoformat(review["editable_until"])
    clock.set(end - timedelta(minutes=1))
    visit = Visit(await sign_in_again(http, visit.customer), visit.shop, visit.booking_id)
    assert (await edit(http, visit, 3, "Better.")).json()["editable_until"] == review["editable_until"]
    clock.set(end + timedelta(seconds=1))
    for response in (await edit(http, visit, 5), await remove(http, visit)):
        assert (response.status_code, response.json()["code"]) == (409, "review_closed")
    assert await rating(http, visit) == (3.0, 1)

    shop_person = await sign_in_again(http, visit.shop.person)
    late = await http.put(visit.answer, json={"text": "At last."}, headers=shop_person.auth)
    assert late.status_code == 200
    assert (await remove(http, visit, await admin(http, context))).status_code == 204
    assert await rating(http, visit) == (0.0, 0)


async def test_an_answer_is_changed_and_taken_back(http: httpx.AsyncClient, visit: Visit) -> None:
    nothing = await put_answer(http, visit, "To whom?")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    await posted(http, visit, 2, "Bad.")
    first = (await put_answer(http, visit, "Sorry.")).json()["answer"]
    second = (await put_answer(http, visit, "Sorry!")).json()["answer"]
    assert second == {"text": "Sorry!", "created_at": first["created_at"], "edited_at": second["edited_at"]}
    assert second["edited_at"] is not None
    assert (await http.put(visit.answer, json={"text": ""}, headers=visit.shop.auth)).status_code == 422
    assert (await http.delete(visit.answer, headers=visit.shop.auth)).status_code == 204
    assert (await http.delete(visit.answer, headers=visit.shop.auth)).status_code == 404
    assert (await http.get(visit.review, headers=visit.customer.auth)).json()["answer"] is None
    assert await rating(http, visit) == (2.0, 1)


async def test_everybody_has_their_part_and_no_other(
    http: httpx.AsyncClient, context: AppContext, visit: Visit
) -> None:
    """404 for what is not one's own, 403 for what one's role never does."""
    await posted(http, visit, 4, "Good.")
    other_shop, boss = await barber(http, context), await admin(http, context)
    (others,) = await more_visits(context, visit, [await register(http)])
    people = {
        "customer": visit.customer, "barber": visit.shop.person, "admin": boss,
        "other customer": others.customer, "other barber": other_shop.person,
    }  # fmt: skip
    text, stars = {"text": "Words."}, {"rating": 1}
    matrix = {
        ("GET", visit.review): "customer 200, barber 200, admin 200, other customer 404, other barber 404",
        ("PUT", visit.review): "customer 200, barber 403, admin 403, other customer 404, other barber 403",
        ("POST", visit.review): "customer 409, barber 403, admin 403, other customer 404, other barber 403",
        ("PUT", visit.answer): "customer 403, barber 200, admin 403, other customer 403, other barber 404",
        ("DELETE", visit.answer): "customer 403, barber 204, admin 403, other customer 403, other barber 404",
        ("DELETE", visit.review): "barber 403, other customer 404, other barber 403, admin 204",
    }
    for (method, path), told in matrix.items():
        body = {visit.review: stars, visit.answer: text}[path] if method in {"PUT", "POST"} else None
        assert (await http.request(method, path, json=body)).status_code == 401
        for case in told.split(", "):
            who, _, status = case.rpartition(" ")
            answer = await http.request(method, path, json=body, headers=people[who].auth)
            assert answer.status_code == int(status), (method, path, who)
    assert await rating(http, visit) == (0.0, 0)


async def test_a_guest_has_nobody_who_could_review(http: httpx.AsyncClient, context: AppContext, visit: Visit) -> None:
    await context.database["bookings"].update_one(
        {"_id": UUID(visit.booking_id)}, {"$set": {"customer_id": None, "guest": {"name": "A guest"}}}
    )
    assert (await post(http, visit, 5)).status_code == 404
