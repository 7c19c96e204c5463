"""Faults of each body, query and live frame have plain words, without a word of Python, msgspec or a pattern."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from msgspec import inspect

from grome.app import FEATURES
from grome.common.errors import Invalid
from grome.common.field_faults import FAULT, FaultKind
from grome.common.input_faults import find_faults, first_fault
from grome.common.input_shapes import Shape
from grome.common.text_fields import normalize_texts
from grome.realtime.frames import ClientFrame

_INPUTS: Final[dict[str, Any]] = {
    f"{operation.handler.__name__} {part}": operation.hints[part]
    for feature in FEATURES
    for operation in feature.operations
    for part in ("body", "query")
    if part in operation.hints
}
_ALL: Final = {**_INPUTS, "frame": ClientFrame}
_WRONG: Final = [
    *(None, True, -0.5, 7, 10**30, "", "$where", "\x00\n", "x" * 40_000, "2027-01-01T00:00:00"),
    *([], ["$gt"], {}, {"": 1}, {"$gt": ""}),
]
_NOT_PLAIN: Final = re.compile(
    r"[`^\\]|\(\?|\b(str|int|float|bool|dict|array|None|True|False|Expected|got|regex|matching|type|msgspec|Object)\b"
)
_BEGINNING: Final = re.compile(r"(is|is not|has|must not|lies outside|does not|must) \S")
_HANDLED: Final = (
    *(inspect.StructType, inspect.DictType, inspect.ListType, inspect.VarTupleType, inspect.UnionType),
    *(inspect.StrType, inspect.IntType, inspect.FloatType, inspect.BoolType, inspect.NoneType, inspect.UUIDType),
    *(inspect.DateTimeType, inspect.DateType, inspect.EnumType, inspect.LiteralType),
)


def _places(shape: Shape, around: Any = None) -> Iterator[tuple[Shape, Any]]:
    """Yield each type of an input, with a function that puts a value into an otherwise empty input."""
    around = around or (lambda value: value)
    yield shape, around
    for choice in shape.choices:
        tag = {choice.kind.tag_field: choice.kind.tag} if getattr(choice.kind, "tag_field", None) else {}
        for name, field in choice.fields.items():
            yield from _places(field, lambda value, name=name, tag=tag: around({**tag, name: value}))
        if isinstance(choice.kind, inspect.DictType):
            yield from _places(choice.item, lambda value: around({"en": value}))
        if isinstance(choice.kind, inspect.ListType | inspect.VarTupleType):
            yield from _places(choice.item, lambda value: around([value]))


@pytest.mark.parametrize("name", _ALL)
def test_every_type_of_an_input_is_handled_and_every_pattern_has_words(name: str) -> None:
    for shape, _ in _places(Shape.of(_ALL[name])):
        for choice in shape.choices:
            assert isinstance(choice.kind, _HANDLED), (name, choice.kind)
            if isinstance(choice.kind, inspect.StrType) and choice.kind.pattern:
                assert re.match(r"(is not|has) ", choice.extra.get(FAULT, "")), (name, choice.kind)


@pytest.mark.parametrize("name", _ALL)
def test_fault_of_any_wrong_value_is_told_in_plain_words(name: str) -> None:
    root = Shape.of(_ALL[name])
    for _, around in _places(root):
        for value in _WRONG:
            sent = around(value)
            refused, faults = _refusal(sent, _ALL[name]), find_faults(sent, root)
            assert bool(faults) == bool(refused), sent
            faults += [first_fault(refused, root)] if isinstance(refused, msgspec.ValidationError) else []
            for _, message in faults:
                assert _BEGINNING.match(message), (sent, message)
                assert not _NOT_PLAIN.search(message), (sent, message)
                assert len(message) < 600, (sent, message)


def test_words_of_all_kinds_of_faults_are_plain() -> None:
    for kind in FaultKind:
        for form in kind.value.split("|"):
            assert not _NOT_PLAIN.search(form), form


def _refusal(sent: Any, kind: Any) -> Exception | None:
    try:
        value = msgspec.json.decode(json.dumps(sent), type=kind)
        normalize_texts(value)
    except (msgspec.ValidationError, Invalid) as error:
        return error
    return None
