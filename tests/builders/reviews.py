"""Complete visits, and use their reviews through the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, serve, tomorrow
from tests.builders.people import Person, register


@dataclass(frozen=True)
class CompletedVisit:
    customer: Person
    shop: Barber
    booking_id: str

    @property
    def review_path(self) -> str:
        """Return the path of the visit's review."""
        return f"/v1/bookings/{self.booking_id}/review"

    @property
    def answer_path(self) -> str:
        return f"{self.review_path}/answer"


async def complete_visit(
    http: httpx.AsyncClient, container: Container, *, customer_name: str = "Zoë Mertens", **profile: Any
) -> CompletedVisit:
    """Complete a visit of a new customer at a new barber."""
    shop = await barber(http, container, rules={"auto_accept": True}, **profile)
    customer = await register(http, name=customer_name)
    booking = await book(http, customer, shop, tomorrow(9))
    await serve(container, booking, "start", "complete")
    return CompletedVisit(customer, shop, booking["id"])


async def copy_visit(container: Container, visit: CompletedVisit, customers: Sequence[Person]) -> list[CompletedVisit]:
    """Store a copy of the visit's booking for each of these customers."""
    bookings = container.database["bookings"]
    done = await bookings.find_one({"_id": UUID(visit.booking_id)})
    assert done is not None
    # All copies have the same time, so none of them may hold it.
    copies = [{**done, "_id": new_id(), "customer_id": one.id, "active": False} for one in customers]
    await bookings.insert_many(copies)
    return [CompletedVisit(one, visit.shop, str(copy["_id"])) for one, copy in zip(customers, copies, strict=True)]


async def post_review(
    http: httpx.AsyncClient, visit: CompletedVisit, rating: int, text: str = "", *, key: str | None = None
) -> httpx.Response:
    headers = {**visit.customer.auth, **({"Idempotency-Key": key} if key else {})}
    return await http.post(visit.review_path, json={"rating": rating, "text": text}, headers=headers)


async def create_review(http: httpx.AsyncClient, visit: CompletedVisit, rating: int, text: str = "") -> dict[str, Any]:
    """Review a visit, and return the review."""
    response = await post_review(http, visit, rating, text)
    assert response.status_code == 201, response.text
    review: dict[str, Any] = response.json()
    return review


async def edit_review(http: httpx.AsyncClient, visit: CompletedVisit, rating: int, text: str = "") -> httpx.Response:
    return await http.put(visit.review_path, json={"rating": rating, "text": text}, headers=visit.customer.auth)


async def remove_review(http: httpx.AsyncClient, visit: CompletedVisit, person: Person | None = None) -> httpx.Response:
    """Remove a review, by default as its customer."""
    return await http.delete(visit.review_path, headers=(person or visit.customer).auth)


async def put_answer(http: httpx.AsyncClient, visit: CompletedVisit, text: str) -> httpx.Response:
    return await http.put(visit.answer_path, json={"text": text}, headers=visit.shop.auth)


async def list_reviews(
    http: httpx.AsyncClient, barber_id: str, person: Person | None = None, **query: Any
) -> dict[str, Any]:
    """Return a page of reviews, by default as an anonymous reader."""
    auth = person.auth if person else {}
    response = await http.get(f"/v1/barbers/{barber_id}/reviews", params=query, headers=auth)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page
