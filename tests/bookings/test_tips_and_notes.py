"""Test tips and notes over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, changed, history, move, read, serve, tomorrow
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.conftest import AdjustableClock


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules={"auto_accept": True})


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def visit(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, tomorrow(9), note="Short at the sides.", key="k")


@pytest.fixture
async def done(http: httpx.AsyncClient, container: Container, shop: Barber, visit: dict[str, Any]) -> dict[str, Any]:
    await serve(container, visit, "start", "complete")
    return await read(http, shop.auth, visit)


async def put_note(
    http: httpx.AsyncClient, person: Person, booking: dict[str, Any], note: str | None
) -> httpx.Response:
    return await http.put(f"/v1/bookings/{booking['id']}/note", json={"note": note}, headers=person.auth)


async def notes(http: httpx.AsyncClient, person: Person, booking: dict[str, Any]) -> list[str | None]:
    found = (await http.get(f"/v1/bookings/{booking['id']}/note", headers=person.auth)).json()
    return [found["customer_note"], found["barber_note"]]


class TestTips:
    async def test_tip_can_be_set_changed_and_removed(
        self, http: httpx.AsyncClient, customer: Person, done: dict[str, Any]
    ) -> None:
        versions = []
        for amount in (300, 300, 500, 0):
            tipped = (await move(http, customer.auth, done, "tip", amount=amount)).json()
            assert tipped == {**done, "payment": {**done["payment"], "tip": amount}, "version": tipped["version"]}
            versions.append(tipped["version"])
        assert versions == [4, 4, 5, 6]
        told = [(entry["action"], entry["by"], entry["note"]) for entry in await history(http, customer.auth, done)]
        assert told[3:] == [("tip", "customer", None)] * 3

    async def test_tip_does_not_count_as_a_transition(
        self, http: httpx.AsyncClient, customer: Person, shop: Barber, done: dict[str, Any]
    ) -> None:
        tipped = (await move(http, customer.auth, done, "tip", amount=300)).json()
        assert (await move(http, shop.auth, done, "complete")).json() == tipped

    async def test_tip_on_an_uncompleted_visit_is_refused(
        self, http: httpx.AsyncClient, customer: Person, visit: dict[str, Any]
    ) -> None:
        refused = await move(http, customer.auth, visit, "tip", amount=300)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")

    async def test_tip_is_accepted_for_thirty_days(
        self, http: httpx.AsyncClient, customer: Person, done: dict[str, Any], clock: AdjustableClock
    ) -> None:
        completed = datetime.fromisoformat((await history(http, customer.auth, done))[-1]["at"])
        clock.stopped = completed + timedelta(days=30)
        customer = await sign_in_again(http, customer)
        assert (await move(http, customer.auth, done, "tip", amount=300)).status_code == 200
        clock.stopped += timedelta(milliseconds=1)
        refused = await move(http, customer.auth, done, "tip", amount=400)
        assert (refused.status_code, refused.json()["code"]) == (409, "outside_window")

    async def test_paid_tip_cannot_be_changed(
        self, http: httpx.AsyncClient, container: Container, customer: Person, done: dict[str, Any]
    ) -> None:
        await changed(container, done, payment__tip=300, payment__tip_paid=300)
        assert (await move(http, customer.auth, done, "tip", amount=300)).status_code == 200
        assert (await move(http, customer.auth, done, "tip", amount=0)).json()["code"] == "wrong_state"

    async def test_tip_by_another_party_is_refused(
        self, http: httpx.AsyncClient, shop: Barber, done: dict[str, Any]
    ) -> None:
        assert (await move(http, shop.auth, done, "tip", amount=300)).status_code == 403
        assert (await move(http, (await register(http)).auth, done, "tip", amount=300)).status_code == 404
        assert (await move(http, (await register(http)).auth, done, "tip", amount=-1)).status_code == 422


class TestNotes:
    async def test_customer_note_is_visible_to_both_sides(
        self, http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any]
    ) -> None:
        changed_ = await put_note(http, customer, visit, "Long at the sides.")
        assert changed_.json() == {"customer_note": "Long at the sides.", "barber_note": None}
        assert (await put_note(http, customer, visit, "Long at the sides.")).status_code == 200
        assert await notes(http, shop.person, visit) == ["Long at the sides.", None]
        assert (await read(http, shop.auth, visit))["customer_note"] == "Long at the sides."
        told = [(entry["action"], entry["note"]) for entry in await history(http, shop.auth, visit)]
        assert told == [("create", "Short at the sides."), ("note", "Long at the sides.")]
        assert (await put_note(http, customer, visit, None)).json()["customer_note"] is None

    async def test_repeated_request_gets_the_original_note(
        self, http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any]
    ) -> None:
        await put_note(http, customer, visit, "Long at the sides.")
        assert await book(http, customer, shop, tomorrow(9), note="Short at the sides.", key="k") == visit

    async def test_customer_note_can_be_changed_until_the_visit_ends(
        self, http: httpx.AsyncClient, customer: Person, shop: Barber, done: dict[str, Any]
    ) -> None:
        refused = await put_note(http, customer, done, "Longer.")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert (await put_note(http, shop.person, done, "Longer next time.")).status_code == 200

    async def test_barber_note_is_hidden_from_the_customer(
        self, http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, visit: dict[str, Any]
    ) -> None:
        secret = "Talks about boats."
        assert (await put_note(http, shop.person, visit, secret)).json()["barber_note"] == secret
        assert await notes(http, shop.person, visit) == ["Short at the sides.", secret]
        assert await notes(http, await create_admin(http, container), visit) == ["Short at the sides.", secret]
        assert await notes(http, customer, visit) == ["Short at the sides.", None]
        put = await put_note(http, customer, visit, "Long at the sides.")
        path = f"/v1/bookings/{visit['id']}"
        seen = [await http.get(address, headers=customer.auth) for address in (path, f"{path}/history", "/v1/bookings")]
        seen += [put, await move(http, customer.auth, visit, "cancel")]
        assert all(answer.is_success and secret not in answer.text for answer in seen)
        assert [entry["action"] for entry in seen[1].json()["items"]] == ["create", "note"]

    async def test_notes_on_foreign_bookings_are_not_found(
        self, http: httpx.AsyncClient, container: Container, visit: dict[str, Any]
    ) -> None:
        for person in (await register(http), (await barber(http, container)).person):
            assert (await put_note(http, person, visit, "Mine.")).status_code == 404
        assert (await put_note(http, await create_admin(http, container), visit, "Mine.")).status_code == 403
