"""schemathesis generates valid and invalid requests from the OpenAPI document against the running server.

About 1,300 requests, each checked by all of schemathesis's checks. Three of those have nothing to say here:
`use_after_free` and `ensure_resource_availability` wait for a route that deletes, and `object_level_authorization` for
a second identity, which test_roles.py has.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from grome.app import document
from grome.common.errors import UpgradeRequired
from grome.infrastructure.container import Container
from grome.payments.inbox.errors import NotFromStripe
from tests.api.surface import ROUTES, Route
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import create_admin, register
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome

# `make test` sends the same few requests each time. `make hunt` sends many, each time others, and boundary values of
# every field, for which test_bad_bodies.py and test_bad_input.py stand in otherwise.
IS_HUNT = settings.get_current_profile_name() == "hunt"
FEW = {"seed": 1, "generation": {"deterministic": True, "max-examples": 8}, "phases": {"coverage": {"enabled": False}}}
MANY = {"generation": {"max-examples": 50}}
CONFIG = schemathesis.Config.from_dict(MANY if IS_HUNT else FEW)
# Return the fault that the decoder reports for invalid input. Of what fits the document it may say none of this, save
# one thing: JSON Schema counts 1.0 among the integers, and we do not.
DECODER = re.compile(
    r"Expected `(?!int( \| null)?`, got `float`)|Invalid |Number out of range|is required$|is not a known field$"
)


@dataclass(frozen=True)
class Cast:
    """Headers by role, and ids by the names that paths, queries and bodies give them."""

    auths: Mapping[str, dict[str, str]]
    ids: Mapping[str, str]


@pytest.fixture
async def cast(running: RunningGrome, container: Container) -> Cast:
    """New for each operation, because some end a session or a booking."""
    async with http_client(running.url) as client:
        shop = await barber(client, container)
        customer, boss = await register(client), await create_admin(client, container)
        booking = await book(client, customer, shop, tomorrow(9))
    service_id = shop.services[0][0]
    return Cast(
        {"anyone": {}, "customer": customer.auth, "barber": shop.auth, "admin": boss.auth},
        {"barber_id": shop.id, "booking_id": booking["id"], "service_id": service_id, "service_ids": service_id},
    )


@pytest.fixture(scope="module")
def api() -> BaseSchema:
    """Read when the first test runs: it takes seconds, which processes that run other tests need not spend."""
    load_all_checks()
    return schemathesis.openapi.from_dict(document(), config=CONFIG)


ANSWERS = set(range(200, 500)) | {503}  # no fault is ours; a dependency may be away


# Not by `BaseSchema.parametrize`: with pytest 9.2 all of its tests have one id, of which pytest-xdist runs one.
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_generated_request_gets_a_response_that_the_document_describes(
    route: Route, api: BaseSchema, running: RunningGrome, cast: Cast
) -> None:
    """Each case is sent as one of the allowed roles in turn, with generated ids and then with known ids."""
    operation = api[route.path][route.method]
    callers = itertools.cycle(operation.definition.raw["x-roles"])

    def check(case: schemathesis.Case[Any]) -> None:
        caller = next(callers)
        statuses = {_send(case, running, cast.auths[caller])}
        if _name_what_there_is(case, cast.ids):
            statuses.add(_send(case, running, cast.auths[caller]))
        assert statuses <= ANSWERS, statuses

    generated = build_operation_test(
        config=api.config, operation=operation, test_func=check, given_kwargs={}, feedback=FeedbackSources()
    )
    generated()


def _send(case: schemathesis.Case[Any], running: RunningGrome, headers: dict[str, str]) -> int:
    """Return the status of the response, which is as the document says."""
    sent: dict[str, Any] = {"base_url": running.url, "headers": headers}
    response = case.call(**sent)
    # A rule that no JSON Schema can tell, such as which time zones there are, may refuse what fits the document.
    excluded: list[schemathesis.CheckFunction] = [positive_data_acceptance] if _is_refused_by_a_rule(response) else []
    case.validate_response(response, headers=headers, transport_kwargs=sent, excluded_checks=excluded)
    return response.status_code


def _is_refused_by_a_rule(response: schemathesis.Response) -> bool:
    if response.status_code == 400:
        return bool(response.json()["code"] == NotFromStripe.code)  # nothing else can sign for Stripe
    if response.status_code == UpgradeRequired.status:
        return True  # only a WebSocket client sends the headers of an upgrade
    return response.status_code == 422 and not any(
        DECODER.match(fault["message"]) for fault in response.json().get("errors", ())
    )


def _name_what_there_is(case: schemathesis.Case[Any], ids: Mapping[str, str]) -> bool:
    """Put ids of things that there are where the case has made up others; false where it has none."""
    named = False
    containers: tuple[Any, ...] = (case.path_parameters, case.query, case.body)
    for container in containers:
        for name in ids if isinstance(container, dict) else ():
            given = container.get(name)
            if _is_id(given):
                container[name] = [ids[name]] * len(given) if isinstance(given, list) else ids[name]
                named = True
    return named


def _is_id(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_id(item) for item in value)
    try:
        return bool(UUID(value))
    except (ValueError, AttributeError, TypeError):
        return False
