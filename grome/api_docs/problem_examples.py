"""Add examples of all errors to the OpenAPI document, and name them at the responses that can have them."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from grome.api_docs.error_catalogue import DocumentedError
from grome.infrastructure.http.examples import ExampleComposer
from grome.infrastructure.http.json_schemas import Json
from grome.infrastructure.http.responses import PROBLEM, FieldFault, Problem, problem_type

_EXAMPLE_REF: Final = "#/components/examples/{name}"
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
    """Add the examples of all errors that responses of the document name by their codes."""
    components, examples = document["components"], {}
    for media in _problem_contents(document):
        _, narrowed = components["schemas"][media["schema"]["$ref"].rpartition("/")[2]]["allOf"]
        fields = narrowed["properties"]
        codes = fields["code"]["enum"]
        for code in codes:
            error = errors[code]
            value = _problem(error, api_base)
            if extension := error.extension:
                members = {name: fields[name] for name in extension.__struct_encode_fields__}
                value |= composer.compose({"type": "object", "properties": members}, owner=extension.__name__)
            examples[code] = {"summary": error.title, "value": value}
        media["examples"] = {code: {"$ref": _EXAMPLE_REF.format(name=code)} for code in codes}
    components["examples"] = dict(sorted(examples.items()))


def _problem_contents(document: Json) -> Iterator[Json]:
    for item in document["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                if media := response.get("content", {}).get(PROBLEM):
                    yield media


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
