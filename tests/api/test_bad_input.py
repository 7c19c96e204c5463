"""Bad queries, ids and headers on every route: refused with the field by name, and nothing written."""

import base64
from urllib.parse import quote
from uuid import uuid4

import pytest
from msgspec import inspect

from grome.infrastructure.http.routing import MAX_KEY
from tests.api.conftest import GOOD_BODIES, Cast
from tests.api.problems import assert_refused
from tests.api.shapes import plain_types
from tests.api.surface import ROUTES, SAMPLES, WITH_IDS, WITH_KEY, WITH_PARTS, WITH_QUERY, Route

pytestmark = pytest.mark.usefixtures("nothing_written")

# Refused in every field of a query. The second line is not UTF-8: a stray byte, half a character, a surrogate.
WRONG = [
    *(quote(value) for value in ("", "\0", "\n", "x" * 5_000)),
    *("%ff", "%c3", "%ed%a0%80"),
]
# Refused in all but texts.
NO_VALUE = [
    *("nan", "inf", "-Infinity", "1e999", "1" + "0" * 30, "0x10", "1_0", "%201", "%D9%A3"),
    *("null", "none", "$gt", quote('{"$gt": ""}'), "[object%20Object]", "1%3B2", "01890a5d"),
]
_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
INVENTED = [
    *(b"", b"null", b"{}", b"[]", b"{", b"\xff", b'{"$gt": ""}', b"[" * 200),
    # A cursor like that of a booking list, with a time out of range or without a zone.
    *(
        f'{{"scheduled_at": "{time}", "id": "{_ID}"}}'.encode()
        for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2027-03-01T09:00:00")
    ),
]
NO_IDS = ["1", "null", "%00", "%ff", "..%2f..", "{}", quote('{"$gt":""}'), "0" * 5_000, "urn:uuid:" + "0" * 32]
NO_TOKENS = [
    *("", "Bearer", "Basic Z3JvbWU6Z3JvbWU=", "a.b.c", "Bearer a.b.c", "Bearer e30.e30.", "Bearer a b"),
    *("Bearer " + "x" * 8_000, "Bearer \xff\xfe", "Bearer ../../etc/passwd", "Token a.b.c"),
]
NO_KEYS = ["", "x" * (MAX_KEY + 1), "a\tb", "Schlüssel"]


def _times(route: Route) -> list[str]:
    kinds = inspect.DateTimeType | inspect.DateType
    return [
        field.encode_name
        for field in route.query_fields
        if any(isinstance(kind, kinds) for kind in plain_types(field.type))
    ]


@pytest.mark.parametrize("route", WITH_QUERY, ids=str)
class TestQueries:
    async def test_query_field_with_a_wrong_value_is_refused(self, cast: Cast, route: Route) -> None:
        for field in route.query_fields:
            types = list(plain_types(field.type))
            is_text = any(isinstance(kind, inspect.StrType) for kind in types)
            wrong = WRONG if is_text else WRONG + NO_VALUE
            if any(isinstance(kind, inspect.ListType) and not kind.min_length for kind in types):
                wrong = [value for value in wrong if value]  # nothing is a list without items
            for value in wrong:
                response = await cast.ask(route, query={field.encode_name: value})
                assert_refused(response, 422, "invalid", field.encode_name, told=(field.encode_name, value[:50]))

    async def test_query_field_that_is_repeated_is_refused_unless_it_is_a_list(self, cast: Cast, route: Route) -> None:
        """A repeated parameter is ambiguous; only list parameters can be repeated."""
        for field in route.query_fields:
            if not isinstance(next(plain_types(field.type)), inspect.ListType):
                response = await cast.ask(route, query={field.encode_name: f"1&{field.encode_name}=1"})
                assert_refused(response, 422, "invalid", field.encode_name, told=field.encode_name)

    async def test_query_without_a_required_field_is_refused(self, cast: Cast, route: Route) -> None:
        for field in route.query_fields:
            if field.required:
                response = await cast.ask(route, query={field.encode_name: None})
                assert_refused(response, 422, "invalid", field.encode_name, told=field.encode_name)

    async def test_query_with_an_invented_cursor_is_refused(self, cast: Cast, route: Route) -> None:
        """A cursor is no secret: anybody can write one."""
        for position in INVENTED if "cursor" in [field.encode_name for field in route.query_fields] else ():
            cursor = base64.urlsafe_b64encode(position).rstrip(b"=").decode()
            assert_refused(await cast.ask(route, query={"cursor": cursor}), 422, "invalid", "cursor", told=position)


@pytest.mark.parametrize("route", [route for route in WITH_QUERY if _times(route)], ids=str)
async def test_query_with_a_number_for_a_time_is_refused(cast: Cast, route: Route) -> None:
    for name in _times(route):
        for value in ("0", "1801130400", "1e9", "-1"):
            response = await cast.ask(route, query={name: value})
            assert_refused(response, 422, "invalid", name, told=(name, value))


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_query_with_an_unknown_field_is_refused(cast: Cast, route: Route) -> None:
    assert_refused(await cast.ask(route, query={"$where": "1"}), 422, "invalid", "$where", told=route)


@pytest.mark.parametrize("route", SAMPLES, ids=str)
async def test_query_with_an_unusual_unknown_field_is_refused(cast: Cast, route: Route) -> None:
    for name in ("grome", "limit[$gt]", "_id"):
        assert_refused(await cast.ask(route, query={name: "1"}), 422, "invalid", name, told=name)
    assert_refused(await cast.ask(route, query={"%ff": "1"}), 422, "invalid", "query", told="%ff")


@pytest.mark.parametrize("route", WITH_PARTS, ids=str)
async def test_path_with_a_malformed_id_or_date_is_refused(cast: Cast, route: Route) -> None:
    """Where any string can be an id, it is that of nothing."""
    for name in route.parts:
        refusal = (422, "invalid", name) if name in route.typed_parts else (404, "not_found")
        for wrong in NO_IDS:
            assert_refused(await cast.ask(route, ids={name: wrong}), *refusal, told=wrong[:50])


@pytest.mark.parametrize("route", WITH_IDS, ids=str)
async def test_path_with_an_unknown_id_is_not_found(cast: Cast, route: Route) -> None:
    body = GOOD_BODIES.get(route.operation.handler.__name__, b"")
    headers = {"Content-Type": "application/json"} if body else {}
    for name in route.ids:
        response = await cast.ask(route, ids={name: str(uuid4())}, content=body, headers=headers)
        assert_refused(response, 404, "not_found", told=name)


@pytest.mark.parametrize("route", SAMPLES, ids=str)
async def test_broken_access_token_is_refused_as_unauthenticated(cast: Cast, route: Route) -> None:
    """Where no token is needed, one that is sent has to be good all the same."""
    for token in NO_TOKENS:
        response = await cast.ask(route, auth={"Authorization": token})
        assert_refused(response, 401, "unauthenticated", told=token)
        assert response.headers["www-authenticate"] == 'Bearer realm="grome"'


@pytest.mark.parametrize("route", WITH_KEY, ids=str)
async def test_broken_idempotency_key_is_refused_as_invalid(cast: Cast, route: Route) -> None:
    for key in NO_KEYS:
        assert_refused(
            await cast.ask(route, headers={"Idempotency-Key": key}), 422, "invalid", "Idempotency-Key", told=key
        )
