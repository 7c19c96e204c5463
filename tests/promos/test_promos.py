"""Promos over HTTP: owners, terms, lists and figures."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.promos.jobs import sweep_promo_holds
from grome.promos.redemptions import PromoRedemptions
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import tomorrow
from tests.builders.people import Person, create_admin, register
from tests.builders.promos import (
    ADMIN,
    OWN,
    claim_use,
    create_promo,
    new_code,
    priced_visit,
    read_figures,
    rejection_of,
    replace_terms,
)
from tests.conftest import AdjustableClock
from workers.registry import CRON


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


async def test_promo_is_created_read_changed_and_switched(http: httpx.AsyncClient, boss: Person, shop: Barber) -> None:
    code, service = new_code(), shop.services[0][0]
    terms = {
        "percent": 20, "amount": None, "at_most": 1_000, "currency": "EUR", "minimum_price": 2_000,
        "valid_from": "2026-01-01T00:00:00.123000Z", "valid_until": "2026-12-31T23:00:00Z", "barber_ids": [shop.id],
        "service_ids": [service], "first_visit_only": True, "most_uses": 100, "most_uses_each": 1,
        "description": "Autumn",
    }  # fmt: skip
    wanted = {**terms, "valid_from": "2026-01-01T01:00:00.123999+01:00", "code": code.lower()}
    made = (await http.post(ADMIN, json=wanted, headers=boss.auth)).json()
    told = {name: made[name] for name in ("id", "created_at", "updated_at")}
    assert made == {**terms, **told, "code": code, "is_active": True}
    here = f"{ADMIN}/{made['id']}"
    unused = {"uses": 0, "held": 0, "left": 100, "customers": 0, "discounted": []}
    assert (await http.get(here, headers=boss.auth)).json() == {"promo": made, "figures": unused}
    changed = (await http.put(here, json={"amount": 500, "currency": "EUR"}, headers=boss.auth)).json()
    whole = dict.fromkeys(terms) | {"barber_ids": [], "service_ids": [], "first_visit_only": False, "description": ""}
    assert changed == {**made, **whole, "amount": 500, "currency": "EUR", "updated_at": changed["updated_at"]}
    for is_active in (False, False, True):
        switched = await http.put(f"{here}/active", json={"is_active": is_active}, headers=boss.auth)
        assert switched.json() == {**changed, "is_active": is_active, "updated_at": switched.json()["updated_at"]}


async def test_inactive_promo_is_rejected(http: httpx.AsyncClient, container: Container, boss: Person) -> None:
    promo, holder = await create_promo(http, boss), {"by": uuid4(), "holder": uuid4()}
    await claim_use(container, promo["code"], **holder)
    await http.put(f"{ADMIN}/{promo['id']}/active", json={"is_active": False}, headers=boss.auth)
    assert await rejection_of(container, promo["code"]) == "promo_expired"
    assert await rejection_of(container, promo["code"], **holder) is None


async def test_promo_code_is_unique_per_owner(http: httpx.AsyncClient, boss: Person, shop: Barber) -> None:
    code, other = new_code(), await register(http, role="barber")
    for owner, path in ((boss, ADMIN), (shop.person, OWN), (other, OWN)):
        await create_promo(http, owner, path, code=code)
        taken = await http.post(path, json={"code": code.lower(), "percent": 5}, headers=owner.auth)
        assert (taken.status_code, taken.json()["code"]) == (409, "promo_exists")
        assert taken.json()["errors"] == [{"field": "code", "message": "is taken"}]


async def test_barbers_code_is_unknown_at_other_barbers(
    http: httpx.AsyncClient, container: Container, boss: Person, shop: Barber
) -> None:
    """A barber's code comes before the same code of the platform, unless it cannot be used."""
    own = await create_promo(http, shop.person, OWN, percent=30)
    here, elsewhere = priced_visit(barber_id=shop.person.id), priced_visit()
    assert (await claim_use(container, own["code"], visit=here)).amount == 1_200
    unknown = [await rejection_of(container, code, visit=elsewhere) for code in (own["code"], new_code(), "ÜBER", "")]
    assert unknown == ["promo_unknown"] * 4
    await create_promo(http, boss, code=own["code"], percent=10)
    assert (await claim_use(container, own["code"].lower(), visit=here)).amount == 1_200
    assert (await claim_use(container, own["code"], visit=elsewhere)).amount == 400
    await http.put(f"{OWN}/{own['id']}/active", json={"is_active": False}, headers=shop.auth)
    assert (await claim_use(container, own["code"], visit=here)).amount == 400


async def test_promo_of_another_owner_is_not_found(
    http: httpx.AsyncClient, container: Container, boss: Person, shop: Barber
) -> None:
    platforms, own = await create_promo(http, boss), await create_promo(http, shop.person, OWN)
    stranger, other_boss = await register(http, role="barber"), await create_admin(http, container)
    for path, promo, somebody in (
        (OWN, own, stranger), (OWN, platforms, shop.person), (ADMIN, own, boss), (OWN, platforms, stranger),
    ):  # fmt: skip
        here = f"{path}/{promo['id']}"
        for method, address, body in (
            ("GET", here, None), ("PUT", here, {"percent": 50}), ("PUT", f"{here}/active", {"is_active": False}),
        ):  # fmt: skip
            refused = await http.request(method, address, json=body, headers=somebody.auth)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), (method, address)
        listed = (await http.get(path, params={"limit": 100}, headers=somebody.auth)).json()["items"]
        assert promo["id"] not in {one["id"] for one in listed}
    assert (await http.get(f"{ADMIN}/{platforms['id']}", headers=other_boss.auth)).json()["promo"] == platforms
    assert (await http.get(f"{OWN}/{own['id']}", headers=shop.auth)).json()["promo"] == own
    for path in (ADMIN, OWN):
        assert (await http.get(path, headers=(await register(http)).auth)).status_code == 403


async def test_promo_list_pages_and_filters(http: httpx.AsyncClient, shop: Barber) -> None:
    """The newest promos come first; filters are the code and the switch."""
    made = [await create_promo(http, shop.person, OWN, is_active=number != 1) for number in range(3)]
    assert await listed(http, shop.person) == made[::-1]
    assert await listed(http, shop.person, is_active="true") == [made[2], made[0]]
    assert await listed(http, shop.person, is_active="false") == [made[1]]
    assert await listed(http, shop.person, code=made[0]["code"].lower()) == [made[0]]


async def listed(http: httpx.AsyncClient, owner: Person, **query: str) -> list[dict[str, Any]]:
    """Return the codes of all pages, read with one promo per page."""
    found, cursor = list[dict[str, Any]](), dict[str, str]()
    while True:
        page = (await http.get(OWN, params={"limit": "1", **query, **cursor}, headers=owner.auth)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_promo_figures_count_uses_holds_and_discounts(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    promo = await create_promo(http, boss, most_uses=5)
    me = uuid4()
    for by, price, currency in ((me, 4_000, "EUR"), (me, 2_000, "EUR"), (uuid4(), 3_000, "CHF")):
        visit = priced_visit(price, currency=currency)
        await claim_use(container, promo["code"], by=by, holder=(holder := uuid4()), visit=visit)
        await container.get(PromoRedemptions).confirm(holder)
    await claim_use(container, promo["code"], firm=False)
    assert await read_figures(http, boss, promo) == {
        "uses": 3,
        "held": 1,
        "left": 1,
        "customers": 2,
        "discounted": [{"currency": "CHF", "amount": 300}, {"currency": "EUR", "amount": 600}],
    }
    await replace_terms(http, boss, promo, most_uses=2)
    assert (await read_figures(http, boss, promo))["left"] == 0
    await replace_terms(http, boss, promo)
    assert (await read_figures(http, boss, promo))["left"] is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"percent": None}, "percent"),
        ({"percent": 0}, "percent"),
        ({"percent": 101}, "percent"),
        ({"percent": 12.5}, "percent"),
        ({"amount": 100, "currency": "EUR"}, "amount"),
        ({"percent": None, "amount": 0, "currency": "EUR"}, "amount"),
        ({"percent": None, "amount": 100}, "currency"),
        ({"percent": None, "amount": 100, "at_most": 50, "currency": "EUR"}, "at_most"),
        ({"at_most": 100}, "currency"),
        ({"minimum_price": 100}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"valid_from": "2026-05-01T00:00:00Z", "valid_until": "2026-05-01T01:00:00+01:00"}, "valid_until"),
        ({"valid_from": "2026-05-01T00:00:00"}, "valid_from"),
        ({"valid_until": "9999-12-31T23:00:00-14:00"}, "valid_until"),
        ({"barber_ids": [str(uuid4())]}, "barber_ids[0]"),
        ({"service_ids": [str(uuid4())]}, "service_ids[0]"),
        ({"most_uses": 0}, "most_uses"),
        ({"most_uses_each": 0}, "most_uses_each"),
        ({"description": "x" * 201}, "description"),
        ({"owner_id": str(uuid4())}, "owner_id"),
    ],
)
async def test_invalid_terms_name_the_field(
    http: httpx.AsyncClient, boss: Person, changed: dict[str, Any], field: str
) -> None:
    promo = await create_promo(http, boss)
    for method, path, body in (
        ("POST", ADMIN, {"code": new_code(), "percent": 10, **changed}),
        ("PUT", f"{ADMIN}/{promo['id']}", {"percent": 10, **changed}),
    ):
        refused = await http.request(method, path, json=body, headers=boss.auth)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        assert [one["field"] for one in refused.json()["errors"]] == [field]
    assert (await http.get(f"{ADMIN}/{promo['id']}", headers=boss.auth)).json()["promo"] == promo


@pytest.mark.parametrize("code", ["AB", "A" * 33, "A B C", "SÜSS", "ABC\n", "$GT", ""])
async def test_invalid_codes_are_refused(http: httpx.AsyncClient, boss: Person, code: str) -> None:
    refused = await http.post(ADMIN, json={"code": code, "percent": 10}, headers=boss.auth)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "code")


async def test_change_with_a_code_is_refused(http: httpx.AsyncClient, boss: Person) -> None:
    promo = await create_promo(http, boss)
    refused = await http.put(f"{ADMIN}/{promo['id']}", json={"percent": 5, "code": new_code()}, headers=boss.auth)
    assert refused.json()["errors"] == [{"field": "code", "message": "is not a known field"}]


async def test_barbers_promo_with_barber_ids_is_refused(http: httpx.AsyncClient, shop: Barber) -> None:
    wanted = {"code": new_code(), "percent": 10, "barber_ids": [shop.id]}
    refused = await http.post(OWN, json=wanted, headers=shop.auth)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "barber_ids")


async def test_validity_is_checked_at_the_time_of_the_claim(
    http: httpx.AsyncClient, container: Container, boss: Person, clock: AdjustableClock
) -> None:
    promo = await create_promo(http, boss, valid_from=tomorrow(9).isoformat(), valid_until=tomorrow(10).isoformat())
    told = [await rejection_of(container, promo["code"])]
    for hour in (9, 10):
        clock.set(tomorrow(hour, 1))
        told.append(await rejection_of(container, promo["code"]))
    assert told == ["promo_not_yet", None, "promo_expired"]


async def test_promo_is_limited_to_listed_barbers_and_services(
    http: httpx.AsyncClient, container: Container, boss: Person, shop: Barber
) -> None:
    service = shop.services[0][0]
    promo = await create_promo(http, boss, barber_ids=[shop.id], service_ids=[service])
    assert await rejection_of(container, promo["code"]) == "promo_not_here"
    assert (
        await rejection_of(container, promo["code"], visit=priced_visit(barber_id=shop.person.id))
        == "promo_other_services"
    )
    visit = priced_visit(1_000, barber_id=shop.person.id)
    visit.services.append((UUID(service), 3_000))
    assert (await claim_use(container, promo["code"], visit=visit)).amount == 300


def test_workers_run_the_sweep_of_promo_holds() -> None:
    assert sweep_promo_holds in [entry.function for entry in CRON]
