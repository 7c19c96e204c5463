"""MongoDB `$jsonSchema` validators made from model Structs, so that the model and its validator cannot drift apart."""

from typing import Any, Final

import msgspec
from msgspec import inspect

Schema = dict[str, Any]
_STORED_ONLY: Final = frozenset({"maxItems", "maxLength"})


def stored_items(at_most: int) -> msgspec.Meta:
    """Metadata of an array that the validator of its collection keeps from growing beyond so many items.

    Unlike `max_length` it is no condition for reading: a longer array that was stored before the bound existed must not
    make its document unreadable.
    """
    return msgspec.Meta(extra_json_schema={"maxItems": at_most})


def validator_for(struct: type[msgspec.Struct]) -> Schema:
    """Build the validator of a collection that stores this Struct by `to_document`.

    Unknown fields are refused, and a field with a default may be missing. A new field needs a default: migrations run
    before new code replaces old code, and until then processes of the previous release write documents without the
    field.
    """
    return {"$jsonSchema": _schema(inspect.type_info(struct))}


def _schema(kind: inspect.Type) -> Schema:  # noqa: C901, PLR0911, PLR0912 -- a table, one row a type
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return {**_schema(inner), **{name: bound for name, bound in (extra or {}).items() if name in _STORED_ONLY}}
        case inspect.AnyType():
            return {}
        case inspect.StructType(fields=fields):
            required = [field.encode_name for field in fields if field.required]
            return {
                "bsonType": "object",
                **({"required": required} if required else {}),
                "properties": {field.encode_name: _schema(field.type) for field in fields},
                "additionalProperties": False,
            }
        case inspect.TupleType(item_types=items):
            return {"bsonType": "array", "minItems": len(items), "maxItems": len(items), "items": _schema(items[0])}
        case (
            inspect.ListType(item_type=item, max_length=longest)
            | inspect.VarTupleType(item_type=item, max_length=longest)
        ):
            return {"bsonType": "array", "items": _schema(item), **_bound("maxItems", longest)}
        case inspect.DictType(value_type=value):
            return {"bsonType": "object", "additionalProperties": _schema(value)}
        case inspect.UnionType(types=kinds):
            return {"anyOf": [_schema(one) for one in kinds]}
        case inspect.EnumType(cls=cls):
            return {"enum": [member.value for member in cls]}
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case inspect.IntType(ge=least, le=most):
            return {"bsonType": ["int", "long"], **_bound("minimum", least), **_bound("maximum", most)}
        case inspect.FloatType(ge=least, le=most):
            # An integral float is a double in BSON too, but a hand-made update may write 5 for 5.0.
            return {"bsonType": ["double", "int", "long"], **_bound("minimum", least), **_bound("maximum", most)}
        case inspect.StrType(max_length=longest):
            return {"bsonType": "string", **_bound("maxLength", longest)}
        case _:
            return {"bsonType": _PLAIN[type(kind)]}


_PLAIN: dict[type[inspect.Type], str] = {
    inspect.BoolType: "bool",
    inspect.NoneType: "null",
    inspect.DateTimeType: "date",
    inspect.DateType: "string",
    inspect.UUIDType: "binData",
    inspect.BytesType: "binData",
}


def _bound(name: str, value: float | None) -> Schema:
    return {} if value is None else {name: value}
