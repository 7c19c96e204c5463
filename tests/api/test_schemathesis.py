"""Requests that schemathesis makes up from the OpenAPI document, good ones and bad ones, against the running server.

About 2,000 requests, each checked by all of schemathesis's checks. Three of those have nothing to say here:
`use_after_free` and `ensure_resource_availability` wait for a route that deletes, and `object_level_authorization` for
a second identity, which test_roles.py has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from grome.app import document
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import create_admin, register
from tests.support.eventually import PATIENCE_S
from tests.support.processes import RunningGrome

# The same requests in every run: what is found once is found again, and no run is unlucky.
CONFIG = schemathesis.Config.from_dict({"seed": 1, "generation": {"deterministic": True, "max-examples": 12}})
SCHEMA = schemathesis.openapi.from_dict(document(), config=CONFIG)
# What the decoder says of input that its Struct does not fit. Of what fits the document it may say none of this, save
# one thing: JSON Schema counts 1.0 among the integers, and we do not.
DECODER = re.compile(
    r"Expected `(?!int( \| null)?`, got `float`)|Invalid |Number out of range|is required$|is not a known field$"
)


@dataclass(frozen=True)
class Cast:
    """Headers by role, and ids by the names that paths, queries and bodies give them."""

    auths: Mapping[str, dict[str, str]]
    ids: Mapping[str, str | list[str]]


@pytest.fixture
async def cast(running: RunningGrome, container: Container) -> Cast:
    """New for each operation, because some end a session or a booking."""
    async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE_S) as client:
        shop = await barber(client, container)
        customer, boss = await register(client), await create_admin(client, container)
        booking = await book(client, customer, shop, tomorrow(9))
    service_id = shop.services[0][0]
    return Cast(
        {"anyone": {}, "customer": customer.auth, "barber": shop.auth, "admin": boss.auth},
        {"barber_id": shop.id, "booking_id": booking["id"], "service_id": service_id, "service_ids": [service_id]},
    )


ANSWERS = set(range(200, 500)) | {503}  # no fault is ours; a dependency may be away


@SCHEMA.parametrize()
# One cast for all requests of an operation.
@settings(max_examples=50)
def test_schemathesis(case: schemathesis.Case[Any], running: RunningGrome, cast: Cast) -> None:
    """As everybody who may call it, about things that nobody has and then about those there are."""
    statuses = _send(case, running, cast)
    if _name_what_there_is(case, cast.ids):
        statuses |= _send(case, running, cast)
    assert statuses <= ANSWERS, statuses


def _send(case: schemathesis.Case[Any], running: RunningGrome, cast: Cast) -> set[int]:
    """The statuses of the answers, each of which is as the document says."""
    statuses = set()
    for role in case.operation.definition.raw["x-roles"]:
        sent: dict[str, Any] = {"base_url": running.url, "headers": cast.auths[role]}
        response = case.call(**sent)
        # A rule that no JSON Schema can tell, such as which time zones there are, may refuse what fits the document.
        excluded: list[schemathesis.CheckFunction] = (
            [positive_data_acceptance] if _is_refused_by_a_rule(response) else []
        )
        case.validate_response(response, headers=sent["headers"], transport_kwargs=sent, excluded_checks=excluded)
        statuses.add(response.status_code)
    return statuses


def _is_refused_by_a_rule(response: schemathesis.Response) -> bool:
    return response.status_code == 422 and not any(
        DECODER.match(fault["message"]) for fault in response.json().get("errors", ())
    )


def _name_what_there_is(case: schemathesis.Case[Any], ids: Mapping[str, str | list[str]]) -> bool:
    """Put ids of things that there are where the case has made up others; false where it has none."""
    named = False
    containers: tuple[Any, ...] = (case.path_parameters, case.query, case.body)
    for container in containers:
        for name in ids if isinstance(container, dict) else ():
            if _is_id(container.get(name)):
                container[name], named = ids[name], True
    return named


def _is_id(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_id(item) for item in value)
    try:
        return bool(UUID(value))
    except (ValueError, AttributeError, TypeError):
        return False
