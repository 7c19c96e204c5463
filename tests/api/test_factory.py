"""One factory makes the handler of every route, so that tests on a sample of routes hold for all routes."""

import inspect
from types import CodeType, NoneType
from typing import Any

from grome.app import App
from grome.infrastructure.http.decoding import BodyDecoder, QueryDecoder
from tests.api.surface import ROUTES, SAMPLES, SAMPLES_WITH_BODY, WITH_BODY, WITH_QUERY, Route


def test_every_handler_is_made_by_one_factory(app: App) -> None:
    codes: set[CodeType] = set()
    for route in ROUTES:
        handler = registered_handler(app, route)
        assert inspect.unwrap(handler) is route.operation.handler, route
        codes.add(handler.__code__)
    assert len(codes) == 1


def test_every_handler_decodes_body_and_query_by_the_same_decoders(app: App) -> None:
    """A handler without a query has a decoder of an empty one, which refuses every field."""
    for route in ROUTES:
        made_of = inspect.getclosurevars(registered_handler(app, route)).nonlocals
        decoders = made_of["decoders"]
        assert type(decoders["query"]) is QueryDecoder, route
        assert type(decoders.get("body")) is (BodyDecoder if route in WITH_BODY else NoneType), route
        assert ("idempotency_key" in decoders) == route.takes("idempotency_key"), route
        assert made_of["operation"] is route.operation


def test_samples_include_every_route_that_the_factory_treats_differently() -> None:
    assert {str(route) for route in ROUTES if route.operation.at_once or route.operation.also} <= set(map(str, SAMPLES))


def test_samples_include_every_kind_of_route() -> None:
    for kind in (
        lambda route: route.method,
        lambda route: route in WITH_BODY,
        lambda route: route in WITH_QUERY,
        lambda route: bool(route.parts),
        lambda route: None in route.who,
    ):
        assert {kind(route) for route in [*SAMPLES, *SAMPLES_WITH_BODY]} == {kind(route) for route in ROUTES}


def registered_handler(app: App, route: Route) -> Any:
    """Return the function that the router calls for the route's address."""
    _, handler, _ = app.router.get(route.url(), route.method, None)
    return handler
