"""Send generated requests to a running server, and check each answer against the OpenAPI document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from grome.app import document
from grome.common.errors import UpgradeRequired
from grome.infrastructure.container import Container
from grome.payments.inbox.errors import NotFromStripe
from tests.api.surface import Route
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import create_admin, register

ANYONE = "anyone"  # the name that `x-roles` has for a caller without a token
CALLERS = (ANYONE, "customer", "barber", "admin")
# Return the fault that the decoder reports for invalid input. Of what fits the document it may say none of this. It
# may say "is not a whole number", since JSON Schema counts 1.0 among the integers, and we do not.
_DECODER = re.compile(
    r"is required$|is not a known field|must not be null$|is (shorter|longer) than|has (fewer|more) than \d"
    r"|is not (one of|text|a number|true or false|a list|an object|an id|a date|a time \(RFC)"
)
_REFUSED_CALLERS = {401, 403}


@dataclass(frozen=True)
class SchemaCast:
    """Headers by caller, and ids by the names that paths, queries and bodies give them."""

    auths: Mapping[str, dict[str, str]]
    ids: Mapping[str, str]


async def schema_cast(client: httpx.AsyncClient, container: Container) -> SchemaCast:
    """Create a person of each role, and objects of theirs."""
    shop = await barber(client, container)
    customer, boss = await register(client), await create_admin(client, container)
    booking = await book(client, customer, shop, tomorrow(9))
    service_id = shop.services[0][0]
    return SchemaCast(
        {ANYONE: {}, "customer": customer.auth, "barber": shop.auth, "admin": boss.auth},
        {"barber_id": shop.id, "booking_id": booking["id"], "service_id": service_id, "service_ids": service_id},
    )


def read_schema(config: dict[str, Any]) -> BaseSchema:
    """Read the document for schemathesis, which takes seconds."""
    load_all_checks()
    return schemathesis.openapi.from_dict(document(), config=schemathesis.Config.from_dict(config))


def generate_requests(api: BaseSchema, route: Route, check: Any) -> None:
    """Call `check` with each generated request of the route."""
    operation = api[route.path][route.method]
    generated = build_operation_test(
        config=api.config, operation=operation, test_func=check, given_kwargs={}, feedback=FeedbackSources()
    )
    generated()


def send_case(case: schemathesis.Case[Any], url: str, headers: dict[str, str]) -> int:
    """Return the status of the response, after checking that it is as the document says."""
    sent: dict[str, Any] = {"base_url": url, "headers": headers}
    response = case.call(**sent)
    # A rule that no JSON Schema can tell, such as which time zones there are, may refuse what fits the document.
    excluded: list[schemathesis.CheckFunction] = [positive_data_acceptance] if _is_refused_by_a_rule(response) else []
    case.validate_response(response, headers=headers, transport_kwargs=sent, excluded_checks=excluded)
    return response.status_code


def _is_refused_by_a_rule(response: schemathesis.Response) -> bool:
    if response.status_code == 400:
        return bool(response.json()["code"] == NotFromStripe.code)  # nothing else can sign for Stripe
    if response.status_code in {UpgradeRequired.status, *_REFUSED_CALLERS}:
        return True  # only a WebSocket client sends the headers of an upgrade
    return response.status_code == 422 and not any(
        _DECODER.match(fault["message"]) for fault in response.json().get("errors", ())
    )


def name_known_ids(case: schemathesis.Case[Any], ids: Mapping[str, str]) -> bool:
    """Put ids of existing objects where the case has made up others. Returns False if it has none."""
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
