"""Bad bodies on every route that takes one: refused with the field by name, and nothing written."""

import gzip

import pytest

from grome.app import App
from grome.factors.schemas import (
    AssertionCredential,
    AssertionResponse,
    RegistrationCredential,
    RegistrationResponse,
)
from tests.api.conftest import Cast
from tests.api.problems import assert_refused, problem_of
from tests.api.raw import send
from tests.api.shapes import Place, places
from tests.api.surface import SAMPLES_WITH_BODY, WITH_BODY, Route

pytestmark = pytest.mark.usefixtures("nothing_written")
each_route = pytest.mark.parametrize("route", WITH_BODY, ids=str)
sample_route = pytest.mark.parametrize("route", SAMPLES_WITH_BODY, ids=str)

# Browsers write these objects, and later browsers may add fields.
TOLERANT = {RegistrationCredential, RegistrationResponse, AssertionCredential, AssertionResponse}
JSON = {"Content-Type": "application/json"}
# Values that are wrong in every field that does not take their kind of JSON.
KINDS = {
    "string": '"$where"',
    "number": "-0.5",
    "boolean": "true",
    "null": "null",
    "array": '["$gt"]',
    "object": '{"$gt": ""}',
}
# More of the same kinds, for a sample of routes.
MORE_KINDS = {"number": ["7"], "array": ["[]"], "object": ["{}", '{"$ne": null}']}
# Wrong in every field: numbers beyond any of ours, and a text longer than any.
EXCESSES = ["1e999", "1" + "0" * 30, f'"{"x" * 100_000}"']
# More numbers, and nesting that would exhaust a stack, for a sample of routes.
MORE_EXCESSES = ["-1e999", "9" * 400, "[" * 50_000 + "]" * 50_000, '{"a":' * 50_000 + "1" + "}" * 50_000]
# No JSON, then no text: half of a pair, Latin-1, and a surrogate that was encoded as if it were a character.
UNREADABLE = [
    *("NaN", "Infinity", "-Infinity", "undefined", "0x10", "01", "'x'", '"\t"', '"\\x"'),
    *('"\\ud800"', '"\\udc00 alone"', '"caf\udce9"', '"\udced\udca0\udc80"'),
]
UNREADABLE_BODIES = [
    b"{",
    b"{,}",
    b"{]",
    b"\x00{}",
    b"\xef\xbb\xbf{}",
    b'{"caf\xe9": 1}',
    b"a=1",
    gzip.compress(b"{}"),
    '{"a": "é"}'.encode("utf-16"),
    '{"a": 1}'.encode("utf-32"),
]


@sample_route
async def test_body_that_is_not_json_is_refused_as_malformed(cast: Cast, route: Route) -> None:
    for body in UNREADABLE_BODIES:
        response = await cast.ask(route, content=body, headers=JSON)
        assert_refused(response, 400, "malformed_body", "body", told=body)


@sample_route
async def test_body_with_more_than_one_json_value_is_refused(cast: Cast, route: Route) -> None:
    """Where `{}` lacks a field, that is found first."""
    for body in (b"{} {}", b"{}]", b"{}\x00"):
        problem = problem_of(await cast.ask(route, content=body, headers=JSON), body)
        assert problem.code in {"malformed_body", "invalid"}, (body, problem)


@each_route
async def test_body_that_is_not_an_object_is_refused_as_invalid(cast: Cast, route: Route) -> None:
    for body in (b"null", b"[]", b"[{}]", b'"{}"', b"1", b"true", b"[" * 100_000):
        response = await cast.ask(route, content=body, headers=JSON)
        assert_refused(response, 422, "invalid", "body", told=body[:50])


@each_route
async def test_body_without_a_required_field_is_refused_with_the_name_of_the_field(cast: Cast, route: Route) -> None:
    """All of them are named. Where no field is required, the whole body may be left out."""
    for place in places(route.body_struct):
        required = [field.encode_name for field in place.struct.fields if field.required] if place.struct else []
        if required:
            response = await cast.ask(route, content=place.body("{}"), headers=JSON)
            named = [fault.field for fault in problem_of(response, place).errors]
            assert named[: len(required)] == [place.field_of(name) for name in required], place
        if required and not place.field:
            assert_refused(await cast.ask(route, headers=JSON), 400, "malformed_body", "body", told="empty")


@each_route
async def test_body_with_an_unknown_field_is_refused_with_the_name_of_the_field(cast: Cast, route: Route) -> None:
    for place in places(route.body_struct):
        for name in (
            ("grome", "$where", "_id", "__class__") if place.struct and place.struct.cls not in TOLERANT else ()
        ):
            response = await cast.ask(route, content=place.body(f'{{"{name}": {{}}}}'), headers=JSON)
            assert_refused(response, 422, "invalid", place.field_of(name), told=place)


@each_route
async def test_field_with_a_value_of_another_json_type_is_refused(cast: Cast, route: Route) -> None:
    for place in _fields(route):
        for kind in KINDS.keys() - place.kinds:
            response = await cast.ask(route, content=place.body(KINDS[kind]), headers=JSON)
            assert_refused(response, 422, "invalid", place.field, told=(place, kind))


@sample_route
async def test_field_with_an_unusual_value_of_another_json_type_is_refused(cast: Cast, route: Route) -> None:
    for place in _fields(route):
        for value in [value for kind in MORE_KINDS.keys() - place.kinds for value in MORE_KINDS[kind]]:
            response = await cast.ask(route, content=place.body(value), headers=JSON)
            assert_refused(response, 422, "invalid", place.field, told=(place, value))


@each_route
async def test_field_with_an_excessive_value_is_refused(cast: Cast, route: Route) -> None:
    for place in _fields(route):
        for value in EXCESSES:
            response = await cast.ask(route, content=place.body(value), headers=JSON)
            assert_refused(response, 422, "invalid", place.field, told=(place, value[:50]))


@sample_route
async def test_field_with_an_unusual_excessive_value_is_refused(cast: Cast, route: Route) -> None:
    for place in _fields(route):
        for value in MORE_EXCESSES:
            response = await cast.ask(route, content=place.body(value), headers=JSON)
            assert_refused(response, 422, "invalid", place.field, told=(place, value[:50]))


@sample_route
async def test_field_with_a_value_that_is_not_json_is_refused(cast: Cast, route: Route) -> None:
    """Found to be no JSON or, where the decoder does not read that far, to be of another kind."""
    for place in _fields(route):
        for value in UNREADABLE:
            problem = problem_of(await cast.ask(route, content=place.body(value), headers=JSON), (place, value))
            named = problem.code, problem.errors[0].field
            assert named in {("malformed_body", "body"), ("invalid", place.field)}, (place, value, problem)


@sample_route
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/jsonx"},
        {"Content-Type": "application/problem+json"},
        {**JSON, "Content-Encoding": "gzip"},
        {**JSON, "Content-Encoding": "identity, br"},
    ],
    ids=str,
)
async def test_body_of_another_media_type_is_refused_as_unsupported(
    cast: Cast, route: Route, headers: dict[str, str]
) -> None:
    for body in (b"{}", gzip.compress(b"{}")):
        response = await cast.ask(route, content=body, headers=headers)
        assert_refused(response, 415, "unsupported_media_type", told=(headers, body))


@sample_route
@pytest.mark.parametrize("framing", ["Content-Length: {}", "Transfer-Encoding: chunked\r\n\r\n{:x}"])
async def test_body_larger_than_the_limit_is_refused_before_it_arrives(
    app: App, cast: Cast, route: Route, framing: str
) -> None:
    """Refused for the size that the head or the chunk announces, before the body is there."""
    headers = {**cast.auth(route), **JSON}
    size = framing.format(app.config.REQUEST_MAX_SIZE + 1)
    lines = [f"{route.method} {route.url(**cast.ids)} HTTP/1.1", "Host: x", *map(": ".join, headers.items()), size]
    head = "\r\n".join([*lines, "", ""])
    assert_refused(await send(app.ctx.base_url, head.encode()), 413, "body_too_large", told=route)


def _fields(route: Route) -> list[Place]:
    return [place for place in places(route.body_struct) if place.field]
