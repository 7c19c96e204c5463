"""Types of the input, as the search for faults in `input_faults.py` sees them: msgspec's type information, cached."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from types import NoneType
from typing import Annotated, Any, Final, Literal, Union
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, inspect

from grome.common.errors import Invalid
from grome.common.field_faults import Expected
from grome.common.text_fields import normalize_texts

_OBJECTS: Final = (inspect.StructType, inspect.DictType)
_NUMBERS: Final = (inspect.IntType, inspect.FloatType)
_LISTS: Final = (inspect.ListType, inspect.VarTupleType)
_EXPECTED: Final[dict[type[inspect.Type], Expected]] = {
    inspect.StrType: Expected.TEXT,
    inspect.IntType: Expected.WHOLE_NUMBER,
    inspect.FloatType: Expected.NUMBER,
    inspect.BoolType: Expected.BOOLEAN,
    inspect.UUIDType: Expected.ID,
    inspect.DateTimeType: Expected.TIME,
    inspect.DateType: Expected.DATE,
    inspect.ListType: Expected.LIST,
    inspect.VarTupleType: Expected.LIST,
    inspect.DictType: Expected.OBJECT,
    inspect.StructType: Expected.OBJECT,
}


class Shape:
    """One type of the input at one place. Its parts are shapes, too, made when a fault is first looked for in them."""

    def __init__(self, kind: inspect.Type) -> None:
        self.declared = kind
        self.extra = (kind.extra or {}) if isinstance(kind, inspect.Metadata) else {}
        self.kind = kind.type if isinstance(kind, inspect.Metadata) else kind

    @classmethod
    def of(cls, annotation: Any) -> "Shape":  # noqa: ANN401 -- any annotation
        return cls(inspect.type_info(annotation))

    def accepts(self, value: object, *, strict: bool) -> bool:
        """Whether msgspec takes the raw value, and all texts in it keep the rules of their kinds."""
        try:
            self.convert(value, strict=strict)
        except (msgspec.ValidationError, Invalid):
            return False
        return True

    def convert(self, value: object, *, strict: bool) -> Any:  # noqa: ANN401 -- a value of the type
        """Return the value as a route gets it. Raises msgspec.ValidationError or Invalid."""
        probe: Any = msgspec.convert({"value": value}, self._probe, strict=strict)
        return normalize_texts(probe).value

    @cached_property
    def _probe(self) -> type[Struct]:
        """A Struct around the type, since msgspec caches the type information of Structs alone."""
        return msgspec.defstruct("Probe", [("value", _annotation(self.declared))])

    @cached_property
    def choices(self) -> list["Shape"]:
        """The types of a union, except null; of any other type the type itself."""
        if not isinstance(self.kind, inspect.UnionType):
            return [self]
        return [Shape(kind) for kind in self.kind.types if not isinstance(kind, inspect.NoneType)]

    @cached_property
    def fields(self) -> Mapping[str, "Shape"]:
        """The fields of a Struct by their names in JSON."""
        kind = self.kind
        return (
            {field.encode_name: Shape(field.type) for field in kind.fields}
            if isinstance(kind, inspect.StructType)
            else {}
        )

    @cached_property
    def item(self) -> "Shape":
        """The items of a list, or the values of a map."""
        kind = self.kind
        if isinstance(kind, inspect.DictType):
            return Shape(kind.value_type)
        return Shape(kind.item_type if isinstance(kind, _LISTS) else inspect.AnyType())

    @cached_property
    def key(self) -> "Shape":
        return Shape(self.kind.key_type if isinstance(self.kind, inspect.DictType) else inspect.AnyType())

    @cached_property
    def values(self) -> list[Any] | None:
        """The values of an enum or a Literal; None for other types."""
        match self.kind:
            case inspect.EnumType(cls=cls):
                return [member.value for member in cls]
            case inspect.LiteralType(values=values):
                return list(values)
            case _:
                return None

    @property
    def expected(self) -> Expected | None:
        return _EXPECTED.get(type(self.kind))

    def suits(self, value: object, *, strict: bool) -> bool:
        """Whether the value is of a JSON type that this type can be written as."""
        match value, self.kind:
            case dict(), kind:
                return isinstance(kind, _OBJECTS)
            case list(), kind:
                return isinstance(kind, _LISTS)
            case _, inspect.EnumType() | inspect.LiteralType() if self.values:
                return not strict or type(value) in {type(each) for each in self.values}
            case bool(), kind:
                return isinstance(kind, inspect.BoolType)
            case int() | float(), kind:
                return isinstance(kind, _NUMBERS)
            case _, kind:
                return not isinstance(kind, (*_OBJECTS, *_LISTS, *((inspect.BoolType, *_NUMBERS) if strict else ())))


def _annotation(kind: inspect.Type) -> Any:  # noqa: ANN401, PLR0911 -- a table, one row a type
    """Return an annotation with this type information."""
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            return Annotated[_annotation(inner), Meta(extra=extra)]
        case inspect.StrType():
            return Annotated[str, Meta(min_length=kind.min_length, max_length=kind.max_length, pattern=kind.pattern)]
        case inspect.IntType() | inspect.FloatType():
            bounds: dict[str, Any] = {name: getattr(kind, name) for name in ("ge", "gt", "le", "lt", "multiple_of")}
            return Annotated[int if isinstance(kind, inspect.IntType) else float, Meta(**bounds)]
        case inspect.DateTimeType(tz=tz):
            return Annotated[datetime, Meta(tz=tz)]
        case inspect.EnumType(cls=cls) | inspect.StructType(cls=cls):
            return cls
        case inspect.LiteralType(values=values):
            return Literal[tuple(values)]
        case inspect.UnionType(types=kinds):
            return Union[tuple(_annotation(each) for each in kinds)]  # noqa: UP007 -- of a tuple
        case inspect.ListType() | inspect.VarTupleType():
            return Annotated[
                list[_annotation(kind.item_type)],  # type: ignore[misc]
                Meta(min_length=kind.min_length, max_length=kind.max_length),
            ]
        case inspect.DictType():
            return Annotated[
                dict[_annotation(kind.key_type), _annotation(kind.value_type)],  # type: ignore[misc]
                Meta(min_length=kind.min_length, max_length=kind.max_length),
            ]
        case _:
            return _PLAIN.get(type(kind), Any)


_PLAIN: Final[dict[type[inspect.Type], Any]] = {
    inspect.BoolType: bool,
    inspect.NoneType: NoneType,
    inspect.UUIDType: UUID,
    inspect.DateType: date,
}
