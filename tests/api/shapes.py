"""The fields of a body at every depth, and valid JSON for each, read from the decoding Struct."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

_HOLE = "<hole>"


@dataclass(frozen=True)
class Place:
    """A field, by the path that a refusal names; the path of the body itself is empty.

    `kinds` are the kinds of JSON value that it takes; `struct` is set where one of them is an object with fields of its
    own.
    """

    field: str
    frame: str
    kinds: frozenset[str]
    struct: inspect.StructType | None

    def field_of(self, name: str) -> str:
        """Return the path of the member `name` of this object."""
        return f"{self.field}.{name}" if self.field else name

    def body(self, value: str) -> bytes:
        """Return a body with `value`, raw JSON, in this field and without other fields.

        Missing fields are named last.
        """
        return self.frame.replace(_HOLE, value).encode(errors="surrogateescape")


def places(struct: type[msgspec.Struct]) -> list[Place]:
    """Yield the body, then every field at every depth; of a list the first item, of a map one entry."""
    return list(_at(inspect.type_info(struct), "", _HOLE))


def _at(kind: inspect.Type, path: str, frame: str) -> Iterator[Place]:
    types = list(plain_types(kind))
    kinds = frozenset(name for one in types for name in _kinds(one))
    yield Place(path, frame, kinds, next((one for one in types if isinstance(one, inspect.StructType)), None))
    for one in types:
        yield from _within(one, path, frame)


def _within(kind: inspect.Type, path: str, frame: str) -> Iterator[Place]:
    match kind:
        case inspect.StructType(fields=fields):
            for field in fields:
                name = field.encode_name
                yield from _at(field.type, f"{path}.{name}" if path else name, _put(frame, f'{{"{name}": {_HOLE}}}'))
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield from _at(item, f"{path}[0]", _put(frame, f"[{_HOLE}]"))
        case inspect.DictType(value_type=value):
            yield from _at(value, f"{path}.en", _put(frame, f'{{"en": {_HOLE}}}'))


def _put(frame: str, inner: str) -> str:
    return frame.replace(_HOLE, inner)


def plain_types(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The one type or the several that a field takes, without their bounds."""
    match kind:
        case inspect.Metadata(type=inner):
            yield from plain_types(inner)
        case inspect.UnionType(types=types):
            for one in types:
                yield from plain_types(one)
        case _:
            yield kind


def _kinds(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.EnumType(cls=cls):
            return [_KIND_OF_VALUE[type(member.value)] for member in cls]
        case inspect.LiteralType(values=values):
            return [_KIND_OF_VALUE[type(value)] for value in values]
        case _:
            return [_KIND_OF_TYPE[type(kind)]]


_KIND_OF_VALUE: dict[type[Any], str] = {str: "string", int: "number"}
_KIND_OF_TYPE: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.UUIDType: "string",
    inspect.DateType: "string",
    inspect.DateTimeType: "string",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
    inspect.StructType: "object",
    inspect.DictType: "object",
    inspect.ListType: "array",
    inspect.VarTupleType: "array",
}
