"""Where the ids of requests come from: `x-example-from` names an answer that has an existing value.

A page that sends examples first asks the operation, as the named role, and takes the value at the JSON pointer in the
answer. In the pointer, `*` is the first item of a list in which the rest is found and not null. The operation's own
parameters have examples and sources too. `as` is null if nobody need sign in. For an array, the value is its one item.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from grome.common.actor import Role
from grome.infrastructure.http import Operation, Routes
from grome.infrastructure.http.json_schemas import SCHEMA_REF, Json
from grome.infrastructure.http.responses import JSON

EXAMPLE_FROM: Final = "x-example-from"
_REF_PREFIX: Final = SCHEMA_REF.format(name="")
_ROLE_ORDER: Final = (Role.CUSTOMER, Role.BARBER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Source:
    """An operation without a request body, and the place of the value in its answer."""

    operation: str
    pointer: str


# Sources by the name of the parameter or property; the first that the caller's role may ask is taken.
_BY_NAME: Final[Mapping[str, tuple[Source, ...]]] = {
    "account_id": (Source("list_conversations", "/items/*/other_id"),),
    "barber_id": (Source("nearby_barbers", "/items/*/id"),),
    "booking_id": (Source("list_bookings", "/items/*/id"),),
    "card_id": (Source("list_cards", "/items/*/id"),),
    "delivery_id": (Source("list_webhook_deliveries", "/items/*/id"),),
    "device_id": (Source("list_sessions", "/items/*/device/id"),),
    "endpoint_id": (Source("list_webhook_endpoints", "/items/*/id"),),
    "entry_id": (Source("list_entries", "/items/*/id"),),
    "export_id": (Source("list_exports", "/items/*/id"),),
    "finding_id": (Source("list_findings", "/items/*/id"),),
    "job_id": (Source("list_jobs", "/items/*/id"),),
    "message": (Source("list_messages", "/items/*/id"),),
    "message_id": (Source("list_messages", "/items/*/id"),),
    "message_report_id": (Source("list_message_reports", "/items/*/id"),),
    "passkey_id": (Source("list_passkeys", "/items/*/id"),),
    "payment_id": (Source("list_payments", "/items/*/id"),),
    "payout_id": (Source("list_payouts", "/items/*/id"), Source("list_all_payouts", "/items/*/id")),
    "promo_id": (Source("list_own_promos", "/items/*/id"), Source("list_promos", "/items/*/id")),
    "report_id": (Source("list_reports", "/items/*/id"),),
    "scheduled_at": (Source("free_times", "/days/*/slots/*/start"),),
    "series_id": (Source("list_bookings", "/items/*/series_id"),),
    "service_id": (Source("list_services", "/items/*/id"),),
    "service_ids": (Source("read_barber", "/services/*/service_id"),),
    "session_id": (Source("list_sessions", "/items/*/id"),),
    "time_off_id": (Source("read_openings", "/time_off/*/id"),),
    "user_id": (Source("list_users", "/items/*/id"),),
    "walk_in_id": (Source("list_walk_ins", "/items/*/id"), Source("read_queue", "/items/*/id")),
}
# Sources where the name alone does not tell: by the operation of a parameter, or by the schema of a property.
_BY_PLACE: Final[Mapping[tuple[str, str], tuple[Source, ...]]] = {
    ("read_verification", "user_id"): (Source("list_verifications", "/items/*/user_id"),),
    ("approve_verification", "user_id"): (Source("list_verifications", "/items/*/user_id"),),
    ("reject_verification", "user_id"): (Source("list_verifications", "/items/*/user_id"),),
    ("ask_for_documents", "user_id"): (Source("list_verifications", "/items/*/user_id"),),
    ("reschedule", "scheduled_at"): (Source("other_times", "/days/*/slots/*/start"),),
    ("reschedule_following", "scheduled_at"): (Source("other_times", "/days/*/slots/*/start"),),
    ("rebook", "scheduled_at"): (Source("other_times", "/days/*/slots/*/start"),),
    ("book_any_barber", "scheduled_at"): (Source("free_times_of_all", "/slots/*/start"),),
    ("add_guest", "service_ids"): (Source("read_own_profile", "/services/*/service_id"),),
    ("put_photos", "photos"): (Source("read_own_photos", "/photos/*/id"),),
}


def add_sources(document: Json, features: Iterable[Routes]) -> None:
    """Add `x-example-from` to the parameters, and to the properties of request bodies, that have a source."""
    operations = {operation.handler.__name__: operation for feature in features for operation in feature.operations}
    schemas = document["components"]["schemas"]
    for item in document["paths"].values():
        for described in item.values():
            operation = operations[described["operationId"]]
            for parameter in described["parameters"]:
                if parameter.get("required"):
                    _add(parameter, parameter["name"], operation, operations)
            if body := described.get("requestBody", {}).get("content", {}).get(JSON):
                for name, schema in _properties(body["schema"], body["example"], schemas):
                    _add(schema, name, operation, operations)


def _properties(schema: Json, example: Any, schemas: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:  # noqa: ANN401 -- any JSON
    """Yield the properties of a body that its example has, at any depth."""
    if reference := schema.get("$ref"):
        schema = schemas[reference.removeprefix(_REF_PREFIX)]
    if isinstance(example, list):
        yield from _properties(schema["items"], example[0], schemas) if example else ()
    elif isinstance(example, dict):
        for name, value in example.items():
            described = schema["properties"][name]
            yield name, described
            inner = next((choice for choice in described.get("anyOf", ()) if "$ref" in choice), described)
            yield from _properties(inner, value, schemas)


def _add(described: Json, name: str, operation: Operation, operations: Mapping[str, Operation]) -> None:
    own = operation.handler.__name__
    for source in _BY_PLACE.get((own, name)) or _BY_NAME.get(name, ()):
        asked = operations[source.operation]
        role = next((role for role in _ROLE_ORDER if role in operation.who & asked.who), None)
        if source.operation != own and (role or not asked.who):
            described[EXAMPLE_FROM] = {
                "operation": source.operation,
                "pointer": source.pointer,
                "as": role and role.value,
            }
            return
