"""Describe types by JSON Schemas that tools of other languages read, for the OpenAPI and the AsyncAPI document."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import msgspec.inspect

from grome.common.text import END

Json = dict[str, Any]
SCHEMA_REF: Final = "#/components/schemas/{name}"


def describe_types(kinds: Sequence[Any]) -> tuple[list[Json], dict[str, Json]]:
    """Return the schema of each type, and the schemas of all Structs in them by their names."""
    described, components = msgspec.json.schema_components(kinds, ref_template=SCHEMA_REF)
    for kind in kinds:
        _say_where_times_are(msgspec.inspect.type_info(kind), components)
    return _for_other_tools(list(described), components)


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
    references = {SCHEMA_REF.format(name=name): SCHEMA_REF.format(name=new) for name, new in names.items()}

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
