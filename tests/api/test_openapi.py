"""The OpenAPI document is valid and matches the declared routes."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs  # comes with schemathesis
import msgspec
import pytest
import schemathesis
from click.testing import CliRunner
from msgspec import Struct

from grome.app import App, document
from grome.cli.main import cli
from grome.infrastructure.container import Container
from grome.infrastructure.http import IdempotencyKey, LimitClass
from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.responses import EVENT_STREAM
from grome.webhooks.models import PLATFORM_TYPES
from tests.api.surface import ROUTES, WITH_BODY, Route

DOCUMENT = document()
DIALECT = "https://json-schema.org/draft/2020-12/schema"  # of OpenAPI 3.1
# Links and forms lead there, which browsers and mail programs follow: nobody makes up such an address.
PAGES = {
    ("GET", "/v1/files/{token}"),
    ("GET", "/v1/photos/{name}/{file}"),
    ("POST", "/v1/files"),
    *((method, "/v1/unsubscribe/{token}") for method in ("GET", "POST")),
}
EVERYWHERE = {(400, "bad_request"), (401, "unauthenticated"), (414, "target_too_long"), (422, "invalid")}
EVERYWHERE |= {(431, "head_too_large"), (503, "unavailable")}
WHERE_A_BODY_IS_SENT = {(400, "malformed_body"), (413, "body_too_large"), (415, "unsupported_media_type")}


def described(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return operation


def test_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for schema in _schemas(DOCUMENT):
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})


def test_every_reference_of_the_document_resolves() -> None:
    references = [node["$ref"] for node in _nodes(DOCUMENT) if "$ref" in node]
    assert references
    for reference in references:
        root, *path = reference.split("/")
        assert root == "#"
        place = DOCUMENT
        for name in path:
            place = place[name]


def test_component_names_are_identifiers_and_their_titles_are_unique() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)] == []
    titles = Counter(schema.get("title", name) for name, schema in schemas.items())
    assert titles.most_common(1)[0][1] == 1


def test_component_name_shared_by_two_types_begins_with_the_last_package() -> None:
    """Generated clients have types of these names, so moving a package must not change them."""
    assert DOCUMENT["components"]["schemas"].keys() >= {"JobsState", "WalkinsState", "WalkinsWaitingOut"}


def test_patterns_use_only_tokens_that_every_regex_engine_supports() -> None:
    """Those of JSON Schema (core, section 6.4): RE2, Go and Rust refuse lookaround and references back."""
    patterns = {node["pattern"] for node in _nodes(DOCUMENT) if isinstance(node.get("pattern"), str)}
    assert len(patterns) > 10
    assert [pattern for pattern in patterns if re.search(r"\(\?|\\[1-9bBAZzGpPkK]", pattern)] == []


def test_patterns_refuse_a_trailing_line_break_unless_they_allow_line_breaks() -> None:
    """In Python `$` also matches before a last line break, in JSON Schema it does not."""
    structs = [route.operation.hints[name] for route in ROUTES for name in ("body", "query") if route.takes(name)]
    _, components = msgspec.json.schema_components([*structs, IdempotencyKey])
    patterns = {node["pattern"] for node in _nodes(components) if isinstance(node.get("pattern"), str)}
    lax = {pattern for pattern in patterns if pattern.endswith("$")}
    assert {pattern for pattern in lax if not re.fullmatch(pattern.removesuffix("$"), "\n")} == set()


def test_time_fields_have_the_format_date_time() -> None:
    """By their names; those that end in `_time` are wall-clock times without a date."""
    schemas = DOCUMENT["components"]["schemas"].items()
    fields = [
        (f"{name}.{field}", node) for name, schema in schemas for field, node in schema.get("properties", {}).items()
    ]
    times = [(name, node) for name, node in fields if name.endswith(("_at", "_until", ".since", "estimated_start"))]
    assert len(times) > 50
    assert [name for name, node in times if "date-time" not in str(node)] == []


def test_operation_ids_are_unique_snake_case_words() -> None:
    ids = Counter(operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values())
    assert [name for name, count in ids.items() if count > 1 or not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_each_event_type_that_goes_to_webhooks_is_described_with_headers_and_body() -> None:
    assert DOCUMENT["webhooks"].keys() == {kind.value for kind in PLATFORM_TYPES} | {"ping"}
    components = DOCUMENT["components"]
    for kind, item in DOCUMENT["webhooks"].items():
        names = [components["parameters"][one["$ref"].rpartition("/")[2]]["name"] for one in item["post"]["parameters"]]
        assert names == ["webhook-id", "webhook-timestamp", "webhook-signature"]
        body = _followed(item["post"]["requestBody"]["content"]["application/json"]["schema"])
        assert kind in body["properties"]["type"]["enum"]


def test_every_tag_operation_parameter_and_property_is_described() -> None:
    assert [tag["name"] for tag in DOCUMENT["tags"] if not tag["description"].endswith(".")] == []
    operations = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]
    operations += [item["post"] for item in DOCUMENT["webhooks"].values()]
    assert [operation["operationId"] for operation in operations if not operation["summary"]] == []
    for operation in operations:
        for parameter in operation["parameters"]:
            assert "$ref" in parameter or parameter.get("description"), (operation["operationId"], parameter)
    silent = [
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for node in _nodes(schema)
        for field, described in node.get("properties", {}).items()
        if not described.get("description")
    ]
    assert silent == [], "write a docstring under the field"


def test_summary_of_each_operation_is_a_single_sentence() -> None:
    summaries = {each["operationId"]: each["summary"] for path in DOCUMENT["paths"].values() for each in path.values()}
    is_sentence = re.compile(r"([^.]|\.(?! [A-Z]))+\.").fullmatch
    assert {name: text for name, text in summaries.items() if not is_sentence(text)} == {}


def test_each_success_in_json_has_an_example() -> None:
    for route in ROUTES:
        for status, response in described(route)["responses"].items():
            if status.startswith("2") and (content := response.get("content", {}).get("application/json")):
                assert "example" in content, str(route)


def test_document_has_exactly_the_served_routes(app: App) -> None:
    served = {
        (method, "/" + re.sub(r"<(\w+):\w+>", r"{\1}", route.path))
        for route in app.router.routes
        for method in route.methods - {"HEAD"}
        if route.path.startswith(("v1", ".well-known", "health", "metrics"))
    } - PAGES
    assert served == {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert served == {(route.method, route.path) for route in ROUTES}


def test_operation_ids_of_all_routes_are_unique() -> None:
    names = Counter(described(route)["operationId"] for route in ROUTES)
    assert set(names.values()) == {1}, names


@pytest.mark.parametrize("route", ROUTES, ids=str)
class TestOperations:
    def test_operation_has_a_summary_sentence_and_a_known_tag(self, route: Route) -> None:
        summary = described(route)["summary"]
        assert summary.endswith(".")
        assert summary.startswith(summary[0].upper())
        assert described(route)["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}

    def test_operation_has_its_roles_and_security(self, route: Route) -> None:
        assert described(route)["x-roles"] == (sorted(role.value for role in route.who) or ["anyone"])
        assert described(route)["security"] == ([] if route.who else [{}]) + [{"bearer": []}]

    def test_operation_has_its_path_query_and_header_parameters(self, route: Route) -> None:
        wanted = [("path", name, True) for name in route.parts]
        wanted += [("query", field.encode_name, field.required) for field in route.query_fields]
        wanted += [("header", "Idempotency-Key", False)] if route.takes("idempotency_key") else []
        wanted += [("header", "If-None-Match", False)] if route.operation.cache != NO_STORE else []
        found = [(one["in"], one["name"], one.get("required", False)) for one in described(route)["parameters"]]
        assert sorted(found) == sorted(wanted)

    def test_operation_has_a_schema_for_each_response(self, route: Route) -> None:
        for status, kind in route.operation.answers.items():
            content = described(route)["responses"][str(status)].get("content", {})
            if isinstance(kind, str):
                assert content[kind] == ({} if kind == EVENT_STREAM else {"schema": {"type": "string"}})
            else:
                assert content.get("application/json", {}).get("schema") == (_reference(kind) if kind else None)

    def test_cached_operation_describes_304_entity_tag_and_cache_control(self, route: Route) -> None:
        responses = described(route)["responses"]
        if route.operation.cache == NO_STORE:
            assert "304" not in responses
            return
        for status in ("200", "304"):
            assert set(responses[status]["headers"]) == {"ETag", "Cache-Control"}
            assert responses[status]["headers"]["Cache-Control"]["schema"] == {"const": route.operation.cache}

    def test_operation_has_each_problem_code_of_its_refusals(self, route: Route) -> None:
        wanted = EVERYWHERE | {(refusal.status, refusal.code) for refusal in route.operation.refusals}
        wanted |= {(429, "too_many_requests")} if route.operation.limit is not LimitClass.UNLIMITED else set()
        wanted |= WHERE_A_BODY_IS_SENT if route.takes("body") else set()
        wanted |= {(403, "forbidden")} if 0 < len(route.who) < 3 else set()
        wanted |= {(403, "second_factor_missing")} if route.operation.second_factor else set()
        wanted |= {(403, "step_up_required")} if route.operation.step_up else set()
        found = set()
        for status, response in described(route)["responses"].items():
            if problem := response.get("content", {}).get("application/problem+json"):
                general, narrowed = _followed(problem["schema"])["allOf"]
                assert general == {"$ref": "#/components/schemas/Problem"}
                found |= {(int(status), code) for code in narrowed["properties"]["code"]["enum"]}
        assert found == wanted


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
def test_request_body_refers_to_its_schema_and_allows_no_unknown_field(route: Route) -> None:
    body = described(route)["requestBody"]
    assert [*body["content"]] == ["application/json"]
    assert body["content"]["application/json"]["schema"] == _reference(route.body_struct)
    schema = DOCUMENT["components"]["schemas"][route.body_struct.__name__]
    assert body["required"] == bool(schema.get("required"))
    assert schema["additionalProperties"] is False


async def test_served_document_names_its_server_and_has_examples_of_today(
    http: httpx.AsyncClient, container: Container
) -> None:
    served = await http.get("/openapi.json")
    assert (served.status_code, served.headers["content-type"]) == (200, "application/json")
    base, today = container.settings.http.api_base, container.clock().date()
    assert [server["url"] for server in served.json()["servers"]] == [base]
    assert served.json() == json.loads(json.dumps(document(base, today)))


def test_printed_document_is_the_same_on_each_day() -> None:
    printed = CliRunner().invoke(cli, ["openapi"])
    assert (printed.exit_code, json.loads(printed.output)) == (0, json.loads(json.dumps(DOCUMENT)))


def _reference(struct: type[Struct]) -> dict[str, str]:
    assert struct.__name__ in DOCUMENT["components"]["schemas"]
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def _followed(reference: dict[str, str]) -> dict[str, Any]:
    schema: dict[str, Any] = DOCUMENT["components"]["schemas"][reference["$ref"].rpartition("/")[2]]
    return schema


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(child)


def _schemas(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from document["components"]["schemas"].values()
    yield from (node["schema"] for node in _nodes(document["paths"]) if "schema" in node)
