"""Examples of the OpenAPI document fit their schemas, and their requests are understood by the server."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import jsonschema_rs  # comes with schemathesis

from grome.api_docs.document import EXAMPLE_DAY
from grome.api_docs.example_values import EXAMPLES
from grome.app import document
from grome.common.actor import Role
from grome.infrastructure.container import Container
from grome.infrastructure.http.examples import ExampleComposer, add_examples
from tests.api.conftest import Cast
from tests.api.surface import ROUTES
from tests.builders.barbers import barber

DOCUMENT: Final = json.loads(json.dumps(document(today=datetime.now(UTC).date())))
JSON: Final = "application/json"
BY_ID: Final = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
OPERATIONS: Final[dict[str, dict[str, Any]]] = {name: operation for name, (_, _, operation) in BY_ID.items()}


def faults_of(schema: dict[str, Any], value: Any, told: str) -> list[str]:
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [f"{told}: {error.message} at {error.instance_path}" for error in validator.iter_errors(value)]


def contents_of(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the request body and the successes that are JSON, with their names."""
    if body := operation.get("requestBody"):
        yield "request", body["content"][JSON]
    for status, response in operation["responses"].items():
        if status.startswith("2") and JSON in response.get("content", {}):
            yield status, response["content"][JSON]


def test_each_example_is_valid_by_its_schema() -> None:
    faults, count = [], 0
    for name, operation in OPERATIONS.items():
        for parameter in operation["parameters"]:
            if parameter.get("required"):
                count += 1
                faults += faults_of(parameter["schema"], parameter["example"], f"{name} {parameter['name']}")
        for what, content in contents_of(operation):
            count += 1
            faults += faults_of(content["schema"], content["example"], f"{name} {what}")
    assert faults == []
    assert count > 400


def test_each_problem_response_has_a_valid_example_of_each_of_its_codes() -> None:
    schemas, faults, checked = DOCUMENT["components"]["schemas"], [], set()
    for operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            if not (content := response.get("content", {}).get("application/problem+json")):
                continue
            name = content["schema"]["$ref"].rpartition("/")[2]
            codes = schemas[name]["allOf"][1]["properties"]["code"]["enum"]
            examples = schemas[name]["examples"]
            assert [(each["code"], each["status"]) for each in examples] == [(code, int(status)) for code in codes]
            if name not in checked:
                checked.add(name)
                faults += [fault for example in examples for fault in faults_of(content["schema"], example, name)]
    assert faults == []
    assert len(checked) > 50


def test_each_text_of_an_example_has_a_value_in_the_tables() -> None:
    described = document()
    composer = ExampleComposer(described["components"]["schemas"], EXAMPLES, EXAMPLE_DAY)
    add_examples(described, composer)
    assert composer.unnamed == set(), "add values to grome/api_docs/example_fields.py or example_values.py"


def resolve(pointer: list[str], answer: Any) -> Any:
    """Return the value at the pointer, None without one; `*` is the first item in which the rest is found."""
    for at, name in enumerate(pointer):
        if name == "*":
            found = (resolve(pointer[at + 1 :], item) for item in answer)
            return next((value for value in found if value is not None), None)
        answer = (answer or {}).get(name)
    return answer


def test_each_source_of_an_example_is_a_readable_answer_with_such_a_value() -> None:
    faults, count = [], 0
    routes = {route.operation.handler.__name__: route for route in ROUTES}
    for name, operation in OPERATIONS.items():
        described = [(one["name"], one, one["schema"]) for one in operation["parameters"]]
        if body := operation.get("requestBody"):
            properties = DOCUMENT["components"]["schemas"][body["content"][JSON]["schema"]["$ref"].rpartition("/")[2]]
            described += [(field, schema, schema) for field, schema in properties["properties"].items()]
        for field, node, schema in described:
            if not (source := node.get("x-example-from")):
                continue
            count += 1
            asked, role = routes[source["operation"]], source["as"]
            assert asked.method == "GET", (name, field)
            assert (role in asked.who & (routes[name].who or asked.who)) if role else not asked.who, (name, field)
            answer = OPERATIONS[source["operation"]]["responses"]["200"]["content"][JSON]["example"]
            value = resolve(source["pointer"].split("/")[1:], answer)
            if not source["pointer"].endswith("/series_id"):  # the booking of the examples is of no series
                assert value, (name, field)
                faults += faults_of(schema, [value] if schema.get("type") == "array" else value, f"{name} {field}")
    assert faults == []
    assert count > 100


# Only a code, a signature or an upload that exists would be accepted.
REFUSED: Final = {
    **dict.fromkeys(("login_with_code", "reset_password", "confirm_email", "confirm_phone"), "code_refused"),
    "confirm_totp": "invalid",
    "add_passkey": "passkey_not_added",
    "receive_notification": "not_from_stripe",
    "submit_verification": "upload_refused",
    "put_photos": "upload_refused",
}
# These never end, or end the sessions of the cast.
NOT_SENT: Final = {
    *("stream_events", "open_live_connection"),
    *("revoke_session", "sign_out_user", "suspend_user", "logout", "logout_everywhere"),
}
# Reading comes first, then changes of what the answers have.
ORDER: Final = ("get", "post", "patch", "put", "delete")


class Sender:
    """Sends examples as the roles of the cast, with ids that `x-example-from` finds where there are any."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._found: dict[str, Any] = {}

    async def send(self, name: str, role: str | None) -> httpx.Response:
        method, path, operation = BY_ID[name]
        parts, query = {}, {}
        for one in operation["parameters"]:
            if one.get("required"):
                given = parts if one["in"] == "path" else query
                given[one["name"]] = await self._value(one, one["schema"], one["example"])
        body = None
        if content := operation.get("requestBody", {}).get("content", {}).get(JSON):
            body = await self._filled(content["schema"], content["example"])
        auth = self._cast.people[Role(role)].auth if role else {}
        return await self._cast.client.request(method, path.format(**parts), params=query, json=body, headers=auth)

    async def _filled(self, schema: dict[str, Any], example: Any) -> Any:
        """Return the example with the values that its sources have."""
        if "x-example-from" in schema:
            return await self._value(schema, schema, example)
        schema = next((choice for choice in schema.get("anyOf", ()) if "$ref" in choice), schema)
        if reference := schema.get("$ref"):
            schema = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
        if isinstance(example, list):
            return [await self._filled(schema["items"], item) for item in example]
        if isinstance(example, dict):
            fields = schema["properties"]
            return {name: await self._filled(fields[name], value) for name, value in example.items()}
        return example

    async def _value(self, node: dict[str, Any], schema: dict[str, Any], example: Any) -> Any:
        source = node.get("x-example-from")
        if not source:
            return example
        key = json.dumps(source)
        if key not in self._found:
            answer = await self.send(source["operation"], source["as"])
            found = resolve(source["pointer"].split("/")[1:], answer.json()) if answer.is_success else None
            self._found[key] = found
        found = self._found[key]
        return example if found is None else [found] if schema.get("type") == "array" else found


async def test_server_understands_each_example_of_a_request(cast: Cast, container: Container) -> None:
    """The server may miss objects, and their state may forbid the request, but form and values are right."""
    await barber(cast.client, container, location=EXAMPLES.by_name["location"])
    sender, refused = Sender(cast), {}
    for name in sorted(BY_ID.keys() - NOT_SENT, key=lambda name: (ORDER.index(BY_ID[name][0]), [*BY_ID].index(name))):
        roles = [role for role in Role if role.value in BY_ID[name][2]["x-roles"]]
        response = await sender.send(name, roles[0] if roles else None)
        if response.status_code in {400, 415, 422} or (response.status_code == 401 and roles):
            refused[name] = response.json()["code"]
    assert refused == REFUSED
