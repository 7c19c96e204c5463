"""Build the OpenAPI 3.1 document from the declared routes and the Structs that decode and encode it."""

import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from grome.common.actor import ANYONE, SIGNED_IN
from grome.common.errors import (
    ApiError,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    HeadTooLarge,
    Invalid,
    MalformedBody,
    SecondFactorMissing,
    StepUpRequired,
    TargetTooLong,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.json_schemas import SCHEMA_REF, Json, describe_types
from grome.infrastructure.http.responses import ERROR_PAGES, EVENT_STREAM, JSON, PROBLEM, Problem
from grome.infrastructure.http.routing import IdempotencyKey, Operation, Routes
from grome.infrastructure.rate_limits.models import LimitClass

_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The `ETag` of an answer that you have; if it is still the same you get a 304 without a body.",
}


def openapi_document(
    features: Sequence[Routes],
    *,
    title: str,
    version: str,
    description: str,
    path_texts: Mapping[str, str],
    other_types: Iterable[type[msgspec.Struct]] = (),
) -> Json:
    """Build the document: every route with body, parameters, answers and errors; the roles stand in `x-roles`.

    `path_texts` describes the parameters of paths by their names. The schemas of `other_types` are among the components
    too.
    """
    operations = [(feature, operation) for feature in features for operation in feature.operations]
    schemas = _Schemas([operation for _, operation in operations], other_types)
    paths: Json = {}
    for feature, operation in operations:
        described = _operation(operation, schemas, path_texts)
        paths.setdefault(feature.prefix + operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "tags": [{"name": feature.tag, "description": feature.about} for feature in features],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


class _Schemas:
    """JSON Schemas of all types that the operations name, each Struct once under `components`."""

    def __init__(self, operations: list[Operation], other_types: Iterable[type[msgspec.Struct]]) -> None:
        types: dict[Any, None] = dict.fromkeys((Problem, IdempotencyKey, UUID, date, str, *other_types))
        for operation in operations:
            types.update(dict.fromkeys(operation.hints[name] for name in ("body", "query") if name in operation.hints))
            types.update(dict.fromkeys(operation.path_parts.values()))
            types.update(dict.fromkeys(kind for kind in operation.answers.values() if isinstance(kind, type)))
            types.update(dict.fromkeys(filter(None, (error.extension_type for error in operation.refusals))))
        wanted = list(types)
        schemas, self.components = describe_types(wanted)
        self._schemas = dict(zip(wanted, schemas, strict=True))
        # A query is described field by field, as parameters.
        queries = {operation.hints["query"].__name__ for operation in operations if "query" in operation.hints}
        self._queries = {name: self.components.pop(name) for name in queries}
        # The fields of an extension are written into the problems that have it.
        extensions = {
            error.extension_type.__name__ for one in operations for error in one.refusals if error.extension_type
        }
        self._extensions = {name: self.components.pop(name) for name in extensions}

    def of(self, kind: Any) -> Json:  # noqa: ANN401 -- any type that an operation names
        return dict(self._schemas[kind])

    def problem_of(self, errors: Collection[type[ApiError]]) -> Json:
        """A problem with one of these codes, named once: else generators make thousands of types."""
        codes = [error.code for error in errors]
        name = "Or".join(code.title().replace("_", "") for code in codes) + Problem.__name__
        code_schema = {"type": "string", "enum": codes, "description": "Stable code of the error, for programs."}
        narrowed: Json = {"type": "object", "required": ["code"], "properties": {"code": code_schema}}
        for error in errors:
            if error.extension_type:
                narrowed["properties"] |= self._extensions[error.extension_type.__name__]["properties"]
        self.components[name] = {"title": name, "allOf": [{"$ref": SCHEMA_REF.format(name=Problem.__name__)}, narrowed]}
        return {"$ref": SCHEMA_REF.format(name=name)}

    def fields_of(self, struct: type[msgspec.Struct]) -> tuple[dict[str, Json], set[str]]:
        """A query Struct's fields by name, and which are required."""
        schema = self._queries[struct.__name__]
        return schema.get("properties", {}), set(schema.get("required", []))


def _operation(operation: Operation, schemas: _Schemas, path_texts: Mapping[str, str]) -> Json:
    text = inspect.cleandoc(operation.handler.__doc__ or "")
    summary, _, rest = text.partition("\n\n")
    described: Json = {
        "operationId": operation.handler.__name__,
        "tags": [operation.tag],
        "summary": summary,
        "parameters": _parameters(operation, schemas, path_texts),
        "responses": _responses(operation, schemas),
        "security": [{}, {"bearer": []}] if operation.who is ANYONE else [{"bearer": []}],
        "x-roles": sorted(operation.who) or ["anyone"],
    }
    if rest:
        described["description"] = rest
    if body := operation.hints.get("body"):
        needed = any(field.required for field in msgspec.structs.fields(body))
        described["requestBody"] = {"required": needed, "content": {JSON: {"schema": schemas.of(body)}}}
    return described


def _parameters(operation: Operation, schemas: _Schemas, path_texts: Mapping[str, str]) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "description": path_texts[name], "schema": schemas.of(kind)}
        for name, kind in operation.path_parts.items()
    ]
    if query := operation.hints.get("query"):
        fields, required = schemas.fields_of(query)
        found += [_query_parameter(name, dict(schema), name in required) for name, schema in fields.items()]
    if "idempotency_key" in operation.hints:
        schema = schemas.of(IdempotencyKey)
        description = schema.pop("description")
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema, "description": description})
    if operation.cache != NO_STORE:
        found.append(_IF_NONE_MATCH)
    return found


def _query_parameter(name: str, schema: Json, required: bool) -> Json:  # noqa: FBT001 -- one caller, above
    # A query has no null: leaving a field out is the way to say it.
    kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
    if schema.get("default", ...) in (None, ""):
        schema.pop("default")
    schema |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
    parameter: Json = {"name": name, "in": "query", "required": required}
    if description := schema.pop("description", None):
        parameter["description"] = description
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter | {"schema": schema}


def _responses(operation: Operation, schemas: _Schemas) -> Json:
    responses: Json = {}
    by_status: dict[int, dict[str, type[ApiError]]] = {}
    for refusal in (*_common_refusals(operation), *operation.refusals):
        by_status.setdefault(refusal.status, {})[refusal.code] = refusal
    for status, errors in sorted(by_status.items()):
        told = " ".join(f"[`{code}`]({ERROR_PAGES}/{code}): {error.title}." for code, error in errors.items())
        schema = schemas.problem_of(errors.values())
        responses[str(status)] = {"description": told, "content": {PROBLEM: {"schema": schema}}}
    for status, kind in operation.answers.items():
        # A status can be both an answer and an error: /health/ready names the missing services in a 503.
        response = responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
        if isinstance(kind, str):
            # Tools disagree whether the schema of an event stream is that of the text or of an event.
            response.setdefault("content", {})[kind] = {} if kind == EVENT_STREAM else {"schema": schemas.of(str)}
        elif kind:
            response.setdefault("content", {})[JSON] = {"schema": schemas.of(kind)}
    if operation.cache != NO_STORE:
        headers = {"Cache-Control": {"schema": {"const": operation.cache}}, "ETag": {"schema": {"type": "string"}}}
        responses[str(operation.status)]["headers"] = headers
        responses["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase, "headers": headers}
    return dict(sorted(responses.items()))


def _common_refusals(operation: Operation) -> list[type[ApiError]]:
    """Return the errors that the shared code around every handler can raise."""
    refusals: list[type[ApiError]] = [BadRequest, Unauthenticated, Invalid, TargetTooLong, HeadTooLarge, Unavailable]
    if operation.limit is not LimitClass.UNLIMITED:
        refusals.append(TooManyRequests)
    if operation.who not in (ANYONE, SIGNED_IN):
        refusals.append(Forbidden)
    if operation.second_factor:
        refusals.append(SecondFactorMissing)
    if operation.step_up:
        refusals.append(StepUpRequired)
    if "body" in operation.hints:
        refusals += [MalformedBody, BodyTooLarge, UnsupportedMediaType]
    return refusals
