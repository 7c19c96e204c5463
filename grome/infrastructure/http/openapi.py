"""Build the OpenAPI 3.1 document from the declared routes and the Structs that decode and encode it."""

import inspect
from collections.abc import Iterable
from datetime import date
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
import msgspec.inspect

from grome.common.actor import ANYONE, SIGNED_IN
from grome.common.errors import (
    ApiError,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    HeadTooLarge,
    Invalid,
    MalformedBody,
    TargetTooLong,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from grome.common.text import END
from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.responses import JSON, PROBLEM, Problem
from grome.infrastructure.http.routing import IdempotencyKey, Operation, Routes

Json = dict[str, Any]
_REF = "#/components/schemas/{name}"
_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The `ETag` of an answer that you have; if it is still the same you get a 304 without a body.",
}


def openapi_document(features: Iterable[Routes], *, title: str, version: str, description: str) -> Json:
    """Build the document: every route with body, parameters, answers and errors; the roles stand in `x-roles`."""
    features = list(features)
    operations = [(feature, operation) for feature in features for operation in feature.operations]
    schemas = _Schemas([operation for _, operation in operations])
    paths: Json = {}
    for feature, operation in operations:
        paths.setdefault(feature.prefix + operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "tags": [{"name": tag} for tag in dict.fromkeys(feature.tag for feature in features)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


class _Schemas:
    """JSON Schemas of all types that the operations name, each Struct once under `components`."""

    def __init__(self, operations: list[Operation]) -> None:
        types: dict[Any, None] = {Problem: None, IdempotencyKey: None, UUID: None, date: None, str: None}
        for operation in operations:
            types.update(dict.fromkeys(operation.hints[name] for name in ("body", "query") if name in operation.hints))
            types.update(dict.fromkeys(operation.path_parts.values()))
            types.update(dict.fromkeys(kind for kind in operation.answers.values() if isinstance(kind, type)))
        wanted = list(types)
        described, components = msgspec.json.schema_components(wanted, ref_template=_REF)
        for kind in wanted:
            _say_where_times_are(msgspec.inspect.type_info(kind), components)
        schemas, self.components = _for_other_tools(list(described), components)
        self._schemas = dict(zip(wanted, schemas, strict=True))
        # A query is described field by field, as parameters.
        queries = {operation.hints["query"].__name__ for operation in operations if "query" in operation.hints}
        self._queries = {name: self.components.pop(name) for name in queries}

    def of(self, kind: Any) -> Json:  # noqa: ANN401 -- any type that an operation names
        return dict(self._schemas[kind])

    def problem_of(self, codes: Iterable[str]) -> Json:
        """A problem with one of these codes, named once: else generators make thousands of types."""
        codes = list(codes)
        name = "Or".join(code.title().replace("_", "") for code in codes) + Problem.__name__
        narrowed = {"type": "object", "required": ["code"], "properties": {"code": {"type": "string", "enum": codes}}}
        self.components[name] = {"title": name, "allOf": [{"$ref": _REF.format(name=Problem.__name__)}, narrowed]}
        return {"$ref": _REF.format(name=name)}

    def fields_of(self, struct: type[msgspec.Struct]) -> tuple[dict[str, Json], set[str]]:
        """A query Struct's fields by name, and which are required."""
        schema = self._queries[struct.__name__]
        return schema.get("properties", {}), set(schema.get("required", []))


def _say_where_times_are(kind: msgspec.inspect.Type, components: dict[str, Json]) -> None:
    """Give times their format, which msgspec leaves out where the zone is not part of the type.

    Every answer has times in UTC with their `Z`.
    """
    for child in _parts_of(kind):
        _say_where_times_are(child, components)
    if not isinstance(kind, msgspec.inspect.StructType):
        return
    schema = components.get(kind.cls.__name__) or components[f"{kind.cls.__module__}.{kind.cls.__qualname__}"]
    for field in kind.fields:
        described = schema["properties"][field.encode_name]
        for choice in [described, *described.get("anyOf", ())]:
            if choice.get("type") == "string" and _is_time(field.type):
                choice["format"] = "date-time"


def _is_time(kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.Metadata | msgspec.inspect.UnionType):
        return any(_is_time(part) for part in _parts_of(kind))
    return isinstance(kind, msgspec.inspect.DateTimeType)


def _parts_of(kind: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    match kind:
        case msgspec.inspect.Metadata():
            return [kind.type]
        case msgspec.inspect.StructType():
            return [field.type for field in kind.fields]
        case msgspec.inspect.UnionType():
            return list(kind.types)
        case msgspec.inspect.ListType():
            return [kind.item_type]
        case msgspec.inspect.DictType():
            return [kind.key_type, kind.value_type]
        case _:
            return []


def _for_other_tools(schemas: list[Json], components: dict[str, Json]) -> tuple[list[Json], dict[str, Json]]:
    """Names without the dots of Python modules, no two titles the same, and patterns that every engine compiles.

    msgspec writes the module before a name that two types share. Python's `$` also matches before a last line break,
    which END forbids by a lookahead; in JSON Schema `$` is the end and nothing else, and RE2 has no lookahead.
    """
    names = {name: _component_name(name) for name in components}
    references = {_REF.format(name=name): _REF.format(name=new) for name, new in names.items()}

    def rewritten(node: Any) -> Any:  # noqa: ANN401 -- any JSON
        if isinstance(node, dict):
            changed = {key: rewritten(value) for key, value in node.items()}
            if isinstance(pattern := changed.get("pattern"), str):
                changed["pattern"] = pattern.replace(END, "$")
            if (reference := changed.get("$ref")) in references:
                changed["$ref"] = references[reference]
            return changed
        return [rewritten(child) for child in node] if isinstance(node, list) else node

    renamed = {
        names[name]: {**rewritten(schema), **({"title": names[name]} if "title" in schema else {})}
        for name, schema in components.items()
    }
    return [rewritten(schema) for schema in schemas], renamed


def _component_name(name: str) -> str:
    """`grome.walk_ins.models.State` becomes `WalkinsState`: clients know the name, wherever the package lies."""
    *path, own = name.split(".")
    return path[-2].replace("_", "").capitalize() + own if path else name


def _operation(operation: Operation, schemas: _Schemas) -> Json:
    text = inspect.cleandoc(operation.handler.__doc__ or "")
    summary, _, rest = text.partition("\n\n")
    described: Json = {
        "operationId": operation.handler.__name__,
        "tags": [operation.tag],
        "summary": summary,
        "parameters": _parameters(operation, schemas),
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


def _parameters(operation: Operation, schemas: _Schemas) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": schemas.of(kind)}
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
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if "anyOf" in schema:
        schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    elif schema.get("default", ...) is None:
        schema.pop("default")
    parameter: Json = {"name": name, "in": "query", "required": required}
    if description := schema.pop("description", None):
        parameter["description"] = description
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter | {"schema": schema}


def _responses(operation: Operation, schemas: _Schemas) -> Json:
    responses: Json = {}
    by_status: dict[int, dict[str, str]] = {}
    for refusal in (*_common_refusals(operation), *operation.refusals):
        by_status.setdefault(refusal.status, {})[refusal.code] = refusal.title
    for status, codes in sorted(by_status.items()):
        told = " ".join(f"`{code}`: {title}." for code, title in codes.items())
        responses[str(status)] = {"description": told, "content": {PROBLEM: {"schema": schemas.problem_of(codes)}}}
    for status, kind in operation.answers.items():
        # A status can be both an answer and an error: /health/ready names the missing services in a 503.
        response = responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
        if isinstance(kind, str):
            response.setdefault("content", {})[kind] = {"schema": schemas.of(str)}
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
    if operation.who not in (ANYONE, SIGNED_IN):
        refusals.append(Forbidden)
    if "body" in operation.hints:
        refusals += [MalformedBody, BodyTooLarge, UnsupportedMediaType]
    return refusals
