"""The rights of every route: each role, objects of other people, and fields that only some sides may see.

The routes are read from the OpenAPI document and from the running application, so a new route is in the matrix without
being named here. A route without a row in the tables of rights.py fails.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from sanic import Request, Sanic

from config.settings import Settings
from grome import installed_version
from grome.api_docs.path_texts import PATH_TEXTS
from grome.app import FEATURES, App, create_app, document
from grome.common.actor import ANYONE, Role
from grome.infrastructure.container import Container
from grome.infrastructure.http import Routes
from grome.infrastructure.http.openapi import openapi_document
from grome.infrastructure.http.pages import Pages
from tests.api import rights
from tests.api.conftest import GOOD_BODIES, Cast
from tests.api.objects import OF_ONE_ACCOUNT, OWN, PUBLIC, READ_BY_ADMINS, Objects, create_objects
from tests.api.problems import assert_refused
from tests.api.rights import PAGES, WHO, find_open_routes, served_routes
from tests.api.surface import ROUTES, Route
from tests.api.writes import changes_since, log_position
from tests.builders.people import Person, create_admin, register
from tests.conftest import AdjustableClock
from tests.support.app import ChangedContainer
from tests.support.pair_report import PAIRS
from tests.support.stripe import LocalStripe, StripeControl

RecordProperty = Callable[[str, object], None]
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
ADMIN_ONLY = frozenset({Role.ADMIN})


@pytest.fixture(scope="module")
async def objects(app: App, cast: Cast, stripe_server: LocalStripe) -> Objects:
    control = StripeControl(stripe_server.url)
    try:
        return await create_objects(cast, app.ctx.container, control)
    finally:
        await control.close()


def test_every_served_route_has_a_rule_in_a_table(app: App) -> None:
    assert find_open_routes(served_routes(app), document(), WHO) == []


class TestPlantedRoute:
    """The function that finds no route without a rule above finds each of these."""

    def test_open_route_of_a_feature_without_a_rule_is_found(self, settings: Settings) -> None:
        planted = Routes("planted", "/v1/planted", about="Planted by the test.")

        @planted.get("/{booking_id}", who=ANYONE)
        async def read_planted(request: Request, booking_id: UUID) -> None: ...

        served, described = _with_planted(settings, planted)
        assert find_open_routes(served, described, WHO) == ["GET /v1/planted/{booking_id} has no rule"]

    def test_page_beside_the_documented_routes_without_a_rule_is_found(self, settings: Settings) -> None:
        planted = Pages("planted", url_prefix="/planted")

        @planted.get("/<name:str>")
        async def page(request: Request, name: str) -> None: ...

        served, _ = _with_planted(settings, planted)
        assert find_open_routes(served, document(), WHO) == ["GET /planted/{name} has no rule"]

    def test_route_that_is_opened_in_its_feature_only_is_found(self, app: App) -> None:
        described = msgspec.json.decode(msgspec.json.encode(document()))
        described["paths"]["/v1/admin/audit"]["get"]["x-roles"] = ["anyone"]
        found = find_open_routes(served_routes(app), described, WHO)
        assert found == ["GET /v1/admin/audit is for anyone in the document"]


def _with_planted(settings: Settings, planted: Routes | Pages) -> tuple[set[str], dict[str, Any]]:
    """Return the routes and the document of an application with one feature more."""
    application = create_app(settings)
    Sanic.unregister_app(application)
    application.blueprint(planted.blueprint if isinstance(planted, Routes) else planted)
    application.finalize()
    features = [*FEATURES, *([planted] if isinstance(planted, Routes) else [])]
    described = openapi_document(features, title="", version=installed_version(), description="", path_texts=PATH_TEXTS)
    return served_routes(application), described


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_route_is_allowed_for_exactly_its_roles(
    cast: Cast, container: Container, route: Route, record_property: RecordProperty
) -> None:
    allowed = WHO[str(route)].split()
    for caller in ("nobody", *Role):
        auth = {} if caller == "nobody" else (await _caller(Role(caller), cast, container, route)).auth
        response = await cast.ask(route, auth=auth, ids=dict.fromkeys(route.ids, UNKNOWN))
        if caller in allowed:
            assert not _is_denied(response), (caller, response.text)
        elif caller == "nobody":
            assert_refused(response, 401, "unauthenticated", told=caller)
        else:
            assert_refused(response, 403, "forbidden", told=caller)
    record_property(PAIRS, 1 + len(Role))


def _is_denied(response: httpx.Response) -> bool:
    return response.status_code in {401, 403} and response.json()["code"] in {"unauthenticated", "forbidden"}


async def _caller(role: Role, cast: Cast, container: Container, route: Route) -> Person:
    """Return a new person if the route may change the account, such as end its session."""
    if route.method == "GET" or route.ids:
        return cast.people[role]
    return await (create_admin(cast.client, container) if role is Role.ADMIN else register(cast.client, role=role))


@pytest.mark.parametrize("route", [route for route in ROUTES if route.operation.step_up], ids=str)
async def test_route_with_step_up_refuses_an_old_proof_of_identity(
    cast: Cast, container: Container, clock: AdjustableClock, route: Route, record_property: RecordProperty
) -> None:
    people = {role: await _caller(role, cast, container, route) for role in route.who}
    clock.shift = timedelta(minutes=11)
    for role, person in people.items():
        assert_refused(await cast.ask(route, auth=person.auth), 403, "step_up_required", told=role)
    record_property(PAIRS, len(people))


@pytest.mark.parametrize("route", [route for route in ROUTES if route.operation.second_factor], ids=str)
async def test_route_refuses_a_session_without_a_second_factor_where_one_is_required(
    app: App, cast: Cast, monkeypatch: pytest.MonkeyPatch, route: Route, record_property: RecordProperty
) -> None:
    monkeypatch.setattr(app.ctx, "require_second_factor", True)
    for role in route.operation.second_factor:
        response = await cast.ask(route, auth=cast.people[role].auth)
        assert_refused(response, 403, "second_factor_missing", told=role)
    record_property(PAIRS, len(route.operation.second_factor))


def test_every_route_for_admins_only_requires_a_second_factor() -> None:
    assert {str(route) for route in ROUTES if route.who == ADMIN_ONLY and not route.operation.second_factor} == set()


OF_PEOPLE = [
    route for route in ROUTES if route.who != ADMIN_ONLY and any(name not in PUBLIC | OWN for name in route.ids)
]


@pytest.mark.parametrize("route", OF_PEOPLE, ids=str)
async def test_object_of_another_person_is_not_found_and_unchanged(
    container: Container, cast: Cast, objects: Objects, route: Route, record_property: RecordProperty
) -> None:
    """The answer is the same as for an id that does not exist. A role that may never act gets 403 for any id."""
    ids = {name: objects.ids[name] for name in route.ids if name not in PUBLIC | OWN}
    before = await log_position(container.database)
    for role, person in objects.strangers.items():
        if role is Role.ADMIN and role in route.who and ids.keys() <= READ_BY_ADMINS:
            continue  # test_object_is_read_by_its_owners_and_by_admins reads it
        foreign = await _ask(cast, route, person, ids)
        if role in route.who:
            assert_refused(foreign, 404, "not_found", told=role)
        else:
            assert_refused(foreign, 403, "forbidden", told=role)
        unknown = await _ask(cast, route, person, dict.fromkeys(ids, UNKNOWN))
        assert _without_id(foreign) == _without_id(unknown)
    assert await changes_since(before, container.database) == []
    record_property(PAIRS, 2 * len(objects.strangers))


async def _ask(cast: Cast, route: Route, person: Person, ids: dict[str, str]) -> httpx.Response:
    content = GOOD_BODIES.get(route.operation.handler.__name__, b"")
    headers = {"Content-Type": "application/json"} if content else {}
    return await cast.ask(route, auth=person.auth, ids=ids, content=content, headers=headers)


def _without_id(response: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in response.json().items() if name != "request_id"}


# There is nothing to read yet in these parts of a new booking.
EMPTY = {
    "GET /v1/bookings/{booking_id}/late",
    "GET /v1/bookings/{booking_id}/review",
    "GET /v1/bookings/{booking_id}/position",
    "GET /v1/bookings/{booking_id}/receipt",
    "GET /v1/bookings/{booking_id}/receipt.pdf",
}


@pytest.mark.parametrize(
    "route", [route for route in OF_PEOPLE if route.method == "GET" and str(route) not in EMPTY], ids=str
)
async def test_object_is_read_by_its_owners_and_by_admins(
    cast: Cast, objects: Objects, route: Route, record_property: RecordProperty
) -> None:
    answers = [
        (role, await _ask(cast, route, person, objects.ids))
        for role, person in objects.owners.items()
        if role in route.who and _reads(role, set(route.ids))
    ]
    assert {response.status_code for _, response in answers} == {200}, [response.text for _, response in answers]
    record_property(PAIRS, len(answers))


def _reads(role: Role, ids: set[str]) -> bool:
    """Return whether the object of a customer and a barber is of the role, too."""
    if ids & OF_ONE_ACCOUNT:
        return role is Role.CUSTOMER
    return role is not Role.ADMIN or ids <= READ_BY_ADMINS


# Streams do not end, and the contents of PDF files are compressed.
UNREADABLE = {"GET /v1/events", "GET /v1/live", "GET /v1/bookings/{booking_id}/receipt.pdf"}


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.method == "GET" and str(route) not in UNREADABLE], ids=str
)
async def test_answer_has_no_private_value_of_another_person(
    cast: Cast, objects: Objects, route: Route, record_property: RecordProperty
) -> None:
    """Notes, addresses, phone numbers and ids at Stripe, wherever the two sides of an object see different fields."""
    people = {**objects.people, "nobody": None} if not route.who else objects.people
    for caller, person in people.items():
        response = await cast.ask(route, auth=person.auth if person else {}, ids=objects.ids)
        side = next((role for role, owner in objects.owners.items() if owner is person), None)
        of_admins = person is not None and person in (objects.owners[Role.ADMIN], objects.strangers[Role.ADMIN])
        role = Role.ADMIN if of_admins else side
        if of_admins and str(route).startswith("GET /v1/admin/"):
            continue  # which exist to show what people do
        shown = [value for value, readers in objects.private.items() if value in response.text and role not in readers]
        assert shown == [], caller
    record_property(PAIRS, len(people))


async def test_note_of_the_barber_is_shown_to_the_barber_and_admins_only(cast: Cast, objects: Objects) -> None:
    url = f"/v1/bookings/{objects.ids['booking_id']}/note"
    for role, person in objects.owners.items():
        notes = (await cast.client.get(url, headers=person.auth)).json()
        assert notes["customer_note"]
        assert bool(notes["barber_note"]) == (role is not Role.CUSTOMER)


async def test_waiting_customer_is_anonymous_to_the_barber(cast: Cast, objects: Objects) -> None:
    shop = objects.owners[Role.BARBER]
    (entry,) = (await cast.client.get("/v1/waitlist/for-me", headers=shop.auth)).json()["items"]
    assert entry.keys() == {"service_ids", "earliest", "latest", "joined_at"}


@pytest.mark.parametrize("page", PAGES)
async def test_page_outside_the_document_follows_its_rule(
    app: App, http: httpx.AsyncClient, page: str, record_property: RecordProperty
) -> None:
    """Called as nobody, and as an operation of production where the page is for development."""
    method, _, path = page.partition(" ")
    names = {"booking_id": UNKNOWN, "endpoint_id": UNKNOWN, "token": "x" * 40, "queue": "default"}
    url = re.sub(r"{(\w+)}", lambda part: names.get(part[1], "x"), path)
    with _in_production(app):
        response = await http.request(method, url)
    match PAGES[page]:
        case rights.OPEN:
            assert response.status_code in {200, 302, 303, 307, 401, 404, 422}
        case rights.OPERATOR:
            assert (response.status_code, response.headers.get("location")) in {(303, "/jobs/login"), (401, None)}
        case rights.LINK | rights.DEVELOPMENT:
            assert response.status_code in {400, 404, 415, 422}
    record_property(PAIRS, 1)


@contextmanager
def _in_production(app: App) -> Iterator[None]:
    original: Container = app.ctx.container
    app.ctx.container = ChangedContainer(original, msgspec.structs.replace(original.settings, env="production"))
    try:
        yield
    finally:
        app.ctx.container = original
