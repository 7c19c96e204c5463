"""Texts in decoded Structs, normalised by the kinds that their fields declare (`text.py`)."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, inspect

from grome.common.errors import Invalid
from grome.common.field_faults import FaultKind, path_of, words
from grome.common.text import KIND, NORMALIZERS, TextKind

S = TypeVar("S", bound=Struct)
Rewrite = Callable[[Any, str], Any]  # a value and its path to the value in normal form


def normalize_texts(value: S) -> S:
    """Normalise all texts of a decoded Struct in place. Raises Invalid, naming the field of a refused text."""
    rewrite = _rewrite_of_struct(type(value))
    if rewrite:
        rewrite(value, "")
    return value


def kind_of_text(kind: inspect.Type) -> TextKind | None:
    """The kind that a field's type declares; None where it is not a text of people."""
    return kind.extra.get(KIND) if isinstance(kind, inspect.Metadata) and kind.extra else None


def text_fault(text: str, kind: inspect.Type) -> str | None:
    """Return the fault that the kind of a text's field finds in it, if any."""
    rewrite = _rewrite_of(kind)
    try:
        if rewrite:
            rewrite(text, "")
    except Invalid as refusal:
        return refusal.faults[0][1]
    return None


@cache
def _rewrite_of_struct(struct: type[Struct]) -> Rewrite | None:
    """None where no field at any depth holds text of people."""
    fields = msgspec.structs.fields(struct)
    found = [(field.name, field.encode_name, _rewrite_of(inspect.type_info(field.type))) for field in fields]
    rewrites = [(name, path, rewrite) for name, path, rewrite in found if rewrite]
    if not rewrites:
        return None

    def rewrite_fields(value: Any, path: str) -> Any:  # noqa: ANN401 -- a Struct of this class
        for name, encoded, rewrite in rewrites:
            old = getattr(value, name)
            if old is UNSET:
                continue
            new = rewrite(old, f"{path}.{encoded}" if path else encoded)
            if new is not old:
                msgspec.structs.force_setattr(value, name, new)
        return value

    return rewrite_fields


def _rewrite_of(kind: inspect.Type) -> Rewrite | None:  # noqa: PLR0911 -- a table, one row a type
    match kind:
        case inspect.Metadata(type=inspect.StrType() as plain) if text_kind := kind_of_text(kind):
            return _rewrite_of_text(text_kind, plain)
        case inspect.Metadata(type=inner):
            return _rewrite_of(inner)
        case inspect.StructType(cls=cls):
            return _rewrite_of_struct(cls)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _rewrite_of_items(_rewrite_of(item))
        case inspect.DictType(value_type=value):
            return _rewrite_of_values(_rewrite_of(value))
        case inspect.UnionType(types=kinds):
            return _rewrite_of_union(list(_by_python_type(kinds)))
        case _:
            return None


def _rewrite_of_text(kind: TextKind, plain: inspect.StrType) -> Rewrite:
    normalize, least, most = NORMALIZERS[kind], plain.min_length or 0, plain.max_length

    def rewrite_text(value: str, path: str) -> str:
        try:
            text = normalize(value)
        except ValueError as error:
            raise Invalid(path, str(error)) from None
        if text != value and len(text) < least:
            raise Invalid(path, words(FaultKind.TOO_SHORT, count=least) if text else words(FaultKind.INVISIBLE))
        if text != value and most is not None and len(text) > most:
            raise Invalid(path, words(FaultKind.TOO_LONG, count=most))
        return text

    return rewrite_text


def _rewrite_of_items(rewrite: Rewrite | None) -> Rewrite | None:
    if rewrite is None:
        return None
    return lambda items, path: type(items)(rewrite(item, f"{path}[{at}]") for at, item in enumerate(items))


def _rewrite_of_values(rewrite: Rewrite | None) -> Rewrite | None:
    if rewrite is None:
        return None
    return lambda table, path: {key: rewrite(value, path_of(path, str(key))) for key, value in table.items()}


def _by_python_type(kinds: tuple[inspect.Type, ...]) -> Iterator[tuple[type, Rewrite]]:
    for kind in kinds:
        inner = kind.type if isinstance(kind, inspect.Metadata) else kind
        rewrite = _rewrite_of(kind)
        if rewrite is None:
            continue
        match inner:
            case inspect.StructType(cls=cls):
                yield cls, rewrite
            case inspect.StrType():
                yield str, rewrite
            case inspect.ListType():
                yield list, rewrite
            case inspect.VarTupleType():
                yield tuple, rewrite
            case inspect.DictType():
                yield dict, rewrite


def _rewrite_of_union(members: list[tuple[type, Rewrite]]) -> Rewrite | None:
    if not members:
        return None

    def rewrite_member(value: Any, path: str) -> Any:  # noqa: ANN401 -- any member
        return next((rewrite(value, path) for kind, rewrite in members if isinstance(value, kind)), value)

    return rewrite_member
