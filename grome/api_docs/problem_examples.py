"""Add examples of all errors to the schemas of problems in the OpenAPI document."""

from collections.abc import Mapping
from typing import Final

import msgspec

from grome.api_docs.error_catalogue import DocumentedError
from grome.infrastructure.http.examples import ExampleComposer
from grome.infrastructure.http.json_schemas import Json
from grome.infrastructure.http.responses import FieldFault, Problem, problem_type

_REQUEST_ID: Final = "01a22bed2ef072d8897f14ec49243f36"
# Of errors that are always about fields of the request.
_FAULTS: Final[Mapping[str, FieldFault]] = {
    "invalid": FieldFault("limit", "is more than 100"),
    "slot_not_offered": FieldFault("scheduled_at", "closed"),
    "promo_refused": FieldFault("promo_code", "promo_expired"),
}


def add_problem_examples(
    document: Json, errors: Mapping[str, DocumentedError], composer: ExampleComposer, api_base: str
) -> None:
    """Add an example for each code to the schemas of problems, which many responses share."""
    for schema in document["components"]["schemas"].values():
        match schema:
            case {"allOf": [_, {"properties": {"code": {"enum": codes}} as fields}]}:
                schema["examples"] = [_example(errors[code], fields, composer, api_base) for code in codes]


def _example(error: DocumentedError, fields: Json, composer: ExampleComposer, api_base: str) -> Json:
    """Return a problem with the members that the error adds; `fields` are the schemas of these members."""
    problem = _problem(error, api_base)
    if extension := error.extension:
        members = {name: fields[name] for name in extension.__struct_encode_fields__}
        problem |= composer.compose({"type": "object", "properties": members}, owner=extension.__name__)
    return problem


def _problem(error: DocumentedError, api_base: str) -> Json:
    fault = _FAULTS.get(error.code)
    told = Problem(
        type=problem_type(api_base, error.code),
        title=error.title,
        status=error.status,
        code=error.code,
        request_id=_REQUEST_ID,
        errors=[fault] if fault else [],
    )
    members: Json = msgspec.to_builtins(told)
    return members
