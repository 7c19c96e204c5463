"""Visits that took place, and what is said of them through the API."""

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
        """Where its review is."""
        return f"/v1/bookings/{self.booking_id}/review"

    @property
    def answer_path(self) -> str:
        return f"{self.review_path}/answer"


async def complete_visit(
    http: httpx.AsyncClient, container: Container, *, name: str = "Zoë Mertens", **profile: Any
) -> CompletedVisit:
    """Of a new customer at a new barber, completed."""
    shop = await barber(http, container, rules={"auto_accept": True}, **profile)
    customer = await register(http, name=name)
    booking = await book(http, customer, shop, tomorrow(9))
    await serve(container, booking, "start", "complete")
    return CompletedVisit(customer, shop, booking["id"])


async def copy_visit(container: Container, visit: CompletedVisit, customers: Sequence[Person]) -> list[CompletedVisit]:
    """The same again, one for each of these customers, stored as they are."""
    bookings = container.database["bookings"]
    done = await bookings.find_one({"_id": UUID(visit.booking_id)})
    assert done is not None
    # They all took place at the same time, of which nobody is left who holds it.
    copies = [{**done, "_id": new_id(), "customer_id": one.id, "active": False} for one in customers]
    await bookings.insert_many(copies)
    return [CompletedVisit(one, visit.shop, str(copy["_id"])) for one, copy in zip(customers, copies, strict=True)]


async def post_review(
    http: httpx.AsyncClient, visit: CompletedVisit, rating: int, text: str = "", *, key: str | None = None
) -> httpx.Response:
    headers = {**visit.customer.auth, **({"Idempotency-Key": key} if key else {})}
    return await http.post(visit.review_path, json={"rating": rating, "text": text}, headers=headers)


async def create_review(http: httpx.AsyncClient, visit: CompletedVisit, rating: int, text: str = "") -> dict[str, Any]:
    """The review as it was answered."""
    response = await post_review(http, visit, rating, text)
    assert response.status_code == 201, response.text
    review: dict[str, Any] = response.json()
    return review


async def edit_review(http: httpx.AsyncClient, visit: CompletedVisit, rating: int, text: str = "") -> httpx.Response:
    return await http.put(visit.review_path, json={"rating": rating, "text": text}, headers=visit.customer.auth)


async def remove_review(http: httpx.AsyncClient, visit: CompletedVisit, person: Person | None = None) -> httpx.Response:
    """As the customer, or as somebody else."""
    return await http.delete(visit.review_path, headers=(person or visit.customer).auth)


async def put_answer(http: httpx.AsyncClient, visit: CompletedVisit, text: str) -> httpx.Response:
    return await http.put(visit.answer_path, json={"text": text}, headers=visit.shop.auth)


async def list_reviews(
    http: httpx.AsyncClient, barber_id: str, person: Person | None = None, **query: Any
) -> dict[str, Any]:
    """A page as somebody sees it, or nobody."""
    auth = person.auth if person else {}
    response = await http.get(f"/v1/barbers/{barber_id}/reviews", params=query, headers=auth)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page
