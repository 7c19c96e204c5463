"""Describe types by JSON Schemas that tools of other languages read, for the OpenAPI and the AsyncAPI document."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import msgspec.inspect

from grome.common.text import END
from grome.infrastructure.http.field_texts import field_texts

Json = dict[str, Any]
SCHEMA_REF: Final = "#/components/schemas/{name}"


def describe_types(kinds: Sequence[Any]) -> tuple[list[Json], dict[str, Json]]:
    """Return the schema of each type, and the schemas of all Structs in them by their names."""
    described, components = msgspec.json.schema_components(kinds, ref_template=SCHEMA_REF)
    seen: set[type] = set()
    for kind in msgspec.inspect.multi_type_info(kinds):
        for struct in _structs_of(kind, seen):
            name, dotted = struct.cls.__name__, f"{struct.cls.__module__}.{struct.cls.__qualname__}"
            _describe_fields(struct, components[name if name in components else dotted]["properties"])
    return _for_other_tools(list(described), components)


def _structs_of(kind: msgspec.inspect.Type, seen: set[type]) -> Iterator[msgspec.inspect.StructType]:
    """Yield all Structs at any depth of the type, each class once."""
    if isinstance(kind, msgspec.inspect.StructType):
        if kind.cls in seen:
            return
        seen.add(kind.cls)
        yield kind
    for part in _parts_of(kind):
        yield from _structs_of(part, seen)


def _describe_fields(struct: msgspec.inspect.StructType, properties: dict[str, Json]) -> None:
    """Add the field's docstring, and the format of times, which msgspec leaves out where the type has no zone.

    Every answer has times in UTC with their `Z`.
    """
    texts = field_texts(struct.cls)
    for field in struct.fields:
        described = properties[field.encode_name]
        choices = described.get("anyOf", ())
        for choice in [described, *choices]:
            if choice.get("type") == "string" and _is_time(field.type):
                choice["format"] = "date-time"
        # A nullable field is described as a whole, not by the choice that is not null.
        hoisted = [choice.pop("description") for choice in choices if "description" in choice]
        if text := texts.get(field.name) or described.get("description") or " ".join(hoisted):
            described["description"] = text


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
