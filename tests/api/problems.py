"""Check the form of an error response."""

from collections.abc import Iterator

import httpx
import msgspec

from grome.common.errors import ApiError
from grome.common.field_faults import FaultKind, words
from grome.infrastructure.http.responses import Problem


def _refusals(kind: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    for refusal in kind.__subclasses__():
        yield refusal
        yield from _refusals(refusal)


STATUSES_OF_CODES = {refusal.code: refusal.status for refusal in _refusals()}


def problem_of(response: httpx.Response, told: object = "") -> Problem:
    """The problem that a 4xx answers, checked for its form; `told` is shown beside it when it is wrong."""
    assert 400 <= response.status_code < 500, (told, response.status_code, response.text)
    assert response.headers["content-type"] == "application/problem+json", (told, response.headers)
    problem = msgspec.json.decode(response.content, type=Problem)
    assert problem.status == response.status_code, (told, problem)
    assert problem.code in STATUSES_OF_CODES, (told, problem)
    assert problem.type.endswith(f"/docs/errors/{problem.code}"), (told, problem)
    assert problem.title, (told, problem)
    assert problem.request_id == response.headers["x-request-id"], (told, problem)
    return problem


def assert_refused(response: httpx.Response, status: int, code: str, field: str | None = None, *, told: object) -> None:
    """Refused as said, naming `field` or, under `service_ids` for example, a place within it.

    Besides, only fields that are missing may be named.
    """
    problem = problem_of(response, told)
    assert (problem.status, problem.code) == (status, code), (told, problem)
    if field is not None:
        named = [fault for fault in problem.errors if (fault.field + ".").startswith((f"{field}.", f"{field}["))]
        assert named, (told, problem)
        rest = {fault.message for fault in problem.errors if fault not in named}
        assert rest <= {words(FaultKind.REQUIRED)}, (told, problem)
