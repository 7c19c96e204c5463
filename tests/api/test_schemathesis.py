"""schemathesis generates valid and invalid requests from the OpenAPI document against the running server.

About 1,000 requests, each checked by all of schemathesis's checks; `python -m tests.api.fuzz` sends many more. Three of
the checks have nothing to say here: `use_after_free` and `ensure_resource_availability` wait for a route that deletes,
and `object_level_authorization` for a second identity, which test_rights_matrix.py has.
"""

import itertools
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.schemas import BaseSchema

from grome.app import App
from grome.infrastructure.container import Container
from tests.api.schema_cases import SchemaCast, generate_requests, name_known_ids, read_schema, schema_cast, send_case
from tests.api.surface import ROUTES, Route
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome

# `make test` sends the same few requests each time. `make hunt` sends many, each time others, and boundary values of
# every field, for which test_bad_bodies.py and test_bad_input.py stand in otherwise.
IS_HUNT = settings.get_current_profile_name() == "hunt"
FEW = {
    "seed": 1,
    "generation": {"deterministic": True, "max-examples": 5},
    "phases": {"coverage": {"enabled": False}},
    "max-stream-events": 2,  # all that a silent stream sends; the wait for a third takes 10 s
}
MANY = {"generation": {"max-examples": 50}}


@pytest.fixture(scope="module")
async def readers(running: RunningGrome, app: App) -> SchemaCast:
    async with http_client(running.url) as client:
        return await schema_cast(client, app.ctx.container)


@pytest.fixture
async def cast(route: Route, readers: SchemaCast, running: RunningGrome, container: Container) -> SchemaCast:
    """New for each operation that writes, because some end a session or a booking."""
    if route.method == "GET":
        return readers
    async with http_client(running.url) as client:
        return await schema_cast(client, container)


@pytest.fixture(scope="module")
def api() -> BaseSchema:
    """Read when the first test runs, so that processes that run other tests need not spend the time."""
    return read_schema(MANY if IS_HUNT else FEW)


ANSWERS = set(range(200, 500)) | {503}  # no fault is ours; a dependency may be away


# Not by `BaseSchema.parametrize`: with pytest 9.2 all of its tests have one id, of which pytest-xdist runs one.
@pytest.mark.parametrize("route", sorted(ROUTES, key=lambda route: route.method != "GET"), ids=str)
def test_generated_request_gets_a_response_that_the_document_describes(
    route: Route, api: BaseSchema, running: RunningGrome, cast: SchemaCast
) -> None:
    """Each case is sent as one of the allowed roles in turn, with generated ids and then with known ids."""
    callers = itertools.cycle(api[route.path][route.method].definition.raw["x-roles"])

    def check(case: schemathesis.Case[Any]) -> None:
        headers = cast.auths[next(callers)]
        statuses = {send_case(case, running.url, headers)}
        if name_known_ids(case, cast.ids):
            statuses.add(send_case(case, running.url, headers))
        assert statuses <= ANSWERS, statuses

    generate_requests(api, route, check)
