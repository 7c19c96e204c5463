"""The life of a review over HTTP: rights, time limits and repeats."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.reviews.models import EDIT_WINDOW, MAX_TEXT_LENGTH
from tests.builders.barbers import barber
from tests.builders.bookings import book, serve, tomorrow
from tests.builders.people import create_admin, register, sign_in_again
from tests.builders.reviews import (
    CompletedVisit,
    complete_visit,
    copy_visit,
    create_review,
    edit_review,
    list_reviews,
    post_review,
    put_answer,
    remove_review,
)
from tests.conftest import AdjustableClock


@pytest.fixture
async def visit(http: httpx.AsyncClient, container: Container) -> CompletedVisit:
    return await complete_visit(http, container)


async def rating(http: httpx.AsyncClient, visit: CompletedVisit) -> tuple[float, int]:
    """Return rating and count as the barber's profile shows them."""
    profile = (await http.get(f"/v1/barbers/{visit.shop.id}")).json()
    return profile["rating"], profile["reviews_count"]


async def shown(http: httpx.AsyncClient, visit: CompletedVisit) -> list[int]:
    return [one["rating"] for one in (await list_reviews(http, visit.shop.id))["items"]]


async def test_review_is_posted_edited_answered_and_removed(http: httpx.AsyncClient, visit: CompletedVisit) -> None:
    review = await create_review(http, visit, 3, "Fine.\nBut loud.")
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

    edited = (await edit_review(http, visit, 5, "Quiet, in the end.")).json()
    assert edited == {**review, "rating": 5, "text": "Quiet, in the end.", "edited_at": edited["edited_at"]}
    assert datetime.fromisoformat(edited["edited_at"]) >= datetime.fromisoformat(review["created_at"])
    assert await rating(http, visit) == (5.0, 1)

    answered = (await put_answer(http, visit, "Come again!")).json()
    assert answered == {**edited, "answer": {**answered["answer"], "text": "Come again!", "edited_at": None}}
    for person in (visit.customer, visit.shop.person):
        assert (await http.get(visit.review_path, headers=person.auth)).json() == answered

    assert (await remove_review(http, visit)).status_code == 204
    assert await rating(http, visit) == (None, 0)
    assert await shown(http, visit) == []
    for response in (
        await remove_review(http, visit),
        await edit_review(http, visit, 4),
        await put_answer(http, visit, "Why?"),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    again = await post_review(http, visit, 1)
    assert (again.status_code, again.json()["code"]) == (409, "review_exists")
    assert await rating(http, visit) == (None, 0)


async def test_removed_review_keeps_no_text(
    http: httpx.AsyncClient, container: Container, visit: CompletedVisit
) -> None:
    await create_review(http, visit, 1, "Words in anger.")
    await put_answer(http, visit, "More of them.")
    await remove_review(http, visit)
    stored = await container.database["reviews"].find_one({"_id": UUID(visit.booking_id)})
    assert stored is not None
    assert (stored["text"], stored["answer"], stored["shown"]) == ("", None, False)


async def test_edit_without_a_difference_changes_nothing(http: httpx.AsyncClient, visit: CompletedVisit) -> None:
    review = await create_review(http, visit, 4, "Good.")
    before = (await http.get(f"/v1/barbers/{visit.shop.id}")).json()
    assert (await edit_review(http, visit, 4, "Good.")).json() == review
    answered = (await put_answer(http, visit, "Thanks.")).json()
    assert (await put_answer(http, visit, "Thanks.")).json() == answered
    assert (await http.get(f"/v1/barbers/{visit.shop.id}")).json() == before


@pytest.mark.parametrize("moves", [(), ("accept",), ("accept", "start"), ("cancel",)])
async def test_review_of_a_visit_that_is_not_completed_is_refused(
    http: httpx.AsyncClient, container: Container, moves: tuple[str, ...]
) -> None:
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    await serve(container, booking, *moves)
    refused = await post_review(http, CompletedVisit(customer, shop, booking["id"]), 5)
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
async def test_invalid_review_is_refused(
    http: httpx.AsyncClient, visit: CompletedVisit, wrong: dict[str, object], field: str
) -> None:
    for method in ("POST", "PUT"):
        refused = await http.request(method, visit.review_path, json=wrong, headers=visit.customer.auth)
        assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, [field])
    assert (await http.get(visit.review_path, headers=visit.customer.auth)).status_code == 404


async def test_concurrent_reviews_of_a_visit_store_one(http: httpx.AsyncClient, visit: CompletedVisit) -> None:
    answers = await asyncio.gather(*(post_review(http, visit, 1 + number % 5) for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    (accepted,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert await rating(http, visit) == (accepted["rating"], 1)


async def test_repeat_with_the_same_key_returns_the_first_response(
    http: httpx.AsyncClient, visit: CompletedVisit
) -> None:
    first = await post_review(http, visit, 4, "Good.", key="one")
    assert (await edit_review(http, visit, 2)).status_code == 200
    for _ in range(2):
        again = await post_review(http, visit, 4, "Good.", key="one")
        assert (again.status_code, again.json()) == (201, first.json())
    other = await post_review(http, visit, 5, "Good.", key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    unknown = await post_review(http, visit, 4, "Good.", key="two")
    assert (unknown.status_code, unknown.json()["code"]) == (409, "review_exists")
    assert await rating(http, visit) == (2.0, 1)


async def test_review_can_be_changed_within_fourteen_days(
    http: httpx.AsyncClient, container: Container, visit: CompletedVisit, clock: AdjustableClock
) -> None:
    review = await create_review(http, visit, 2, "Bad.")
    end = datetime.fromisoformat(review["editable_until"])
    clock.set(end - timedelta(minutes=1))
    visit = CompletedVisit(await sign_in_again(http, visit.customer), visit.shop, visit.booking_id)
    assert (await edit_review(http, visit, 3, "Better.")).json()["editable_until"] == review["editable_until"]
    clock.set(end + timedelta(seconds=1))
    for response in (await edit_review(http, visit, 5), await remove_review(http, visit)):
        assert (response.status_code, response.json()["code"]) == (409, "review_closed")
    assert await rating(http, visit) == (3.0, 1)

    shop_person = await sign_in_again(http, visit.shop.person)
    late = await http.put(visit.answer_path, json={"text": "At last."}, headers=shop_person.auth)
    assert late.status_code == 200
    assert (await remove_review(http, visit, await create_admin(http, container))).status_code == 204
    assert await rating(http, visit) == (None, 0)


async def test_answer_is_changed_and_removed(http: httpx.AsyncClient, visit: CompletedVisit) -> None:
    nothing = await put_answer(http, visit, "To whom?")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    await create_review(http, visit, 2, "Bad.")
    first = (await put_answer(http, visit, "Sorry.")).json()["answer"]
    second = (await put_answer(http, visit, "Sorry!")).json()["answer"]
    assert second == {"text": "Sorry!", "created_at": first["created_at"], "edited_at": second["edited_at"]}
    assert second["edited_at"] is not None
    assert (await http.put(visit.answer_path, json={"text": ""}, headers=visit.shop.auth)).status_code == 422
    assert (await http.delete(visit.answer_path, headers=visit.shop.auth)).status_code == 204
    assert (await http.delete(visit.answer_path, headers=visit.shop.auth)).status_code == 404
    assert (await http.get(visit.review_path, headers=visit.customer.auth)).json()["answer"] is None
    assert await rating(http, visit) == (2.0, 1)


async def test_review_routes_are_limited_to_their_roles_and_parties(
    http: httpx.AsyncClient, container: Container, visit: CompletedVisit
) -> None:
    """The answer is 404 for reviews of others, and 403 for actions of other roles."""
    await create_review(http, visit, 4, "Good.")
    other_shop, boss = await barber(http, container), await create_admin(http, container)
    (others,) = await copy_visit(container, visit, [await register(http)])
    people = {
        "customer": visit.customer, "barber": visit.shop.person, "admin": boss,
        "other customer": others.customer, "other barber": other_shop.person,
    }  # fmt: skip
    text, stars = {"text": "Words."}, {"rating": 1}
    matrix = {
        ("GET", visit.review_path): "customer 200, barber 200, admin 200, other customer 404, other barber 404",
        ("PUT", visit.review_path): "customer 200, barber 403, admin 403, other customer 404, other barber 403",
        ("POST", visit.review_path): "customer 409, barber 403, admin 403, other customer 404, other barber 403",
        ("PUT", visit.answer_path): "customer 403, barber 200, admin 403, other customer 403, other barber 404",
        ("DELETE", visit.answer_path): "customer 403, barber 204, admin 403, other customer 403, other barber 404",
        ("DELETE", visit.review_path): "barber 403, other customer 404, other barber 403, admin 204",
    }
    for (method, path), told in matrix.items():
        body = {visit.review_path: stars, visit.answer_path: text}[path] if method in {"PUT", "POST"} else None
        assert (await http.request(method, path, json=body)).status_code == 401
        for case in told.split(", "):
            who, _, status = case.rpartition(" ")
            answer = await http.request(method, path, json=body, headers=people[who].auth)
            assert answer.status_code == int(status), (method, path, who)
    assert await rating(http, visit) == (None, 0)


async def test_visit_of_a_guest_cannot_be_reviewed(
    http: httpx.AsyncClient, container: Container, visit: CompletedVisit
) -> None:
    await container.database["bookings"].update_one(
        {"_id": UUID(visit.booking_id)}, {"$set": {"customer_id": None, "guest": {"name": "A guest"}}}
    )
    assert (await post_review(http, visit, 5)).status_code == 404
