"""Find all faults of an input that msgspec has refused, field by field, in plain words (`field_faults.py`).

This runs for refused input only. msgspec stops at the first fault, so each part that it refuses is taken apart until
single values are left; parts that it accepts are not looked into.
"""

import math
import operator
import re
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, inspect

from grome.common.errors import Invalid
from grome.common.field_faults import (
    FAULT,
    MAX_FAULTS,
    MAX_SUGGESTIONS,
    Expected,
    FaultKind,
    no_choice,
    path_of,
    unknown_field,
    words,
    wrong_type,
)
from grome.common.input_shapes import Shape
from grome.common.text_fields import normalize_texts, text_fault

T = TypeVar("T", bound=Struct)
Faults = list[tuple[str, str]]
BODY: Final = "body"  # the path of faults of the whole input
_PLACE: Final = re.compile(r"^(?P<fault>.*?)(?: - at (?:`key` in )?`\$\.?(?P<path>.*)`)?$", re.DOTALL)
_NAMED: Final = re.compile(r"Object (?P<fault>missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(?:\d+|\.\.\.)\]")
_LIKE_A_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")

_BOUNDS: Final = (
    ("ge", operator.ge, FaultKind.TOO_SMALL),
    ("gt", operator.gt, FaultKind.NOT_ABOVE),
    ("le", operator.le, FaultKind.TOO_LARGE),
    ("lt", operator.lt, FaultKind.NOT_BELOW),
)


def convert_input(value: object, struct: type[T]) -> T:
    """Convert raw values into a Struct with its texts in normal form. Raises Invalid with all faults."""
    try:
        return normalize_texts(msgspec.convert(value, struct))
    except (msgspec.ValidationError, Invalid):
        raise refusal_of(find_faults(value, Shape.of(struct))) from None


def refusal_of(faults: Faults) -> Invalid:
    """Return the refusal with the first faults, in their order."""
    (field, message), *more = faults[:MAX_FAULTS] or [(BODY, words(FaultKind.OUT_OF_LIMITS))]
    return Invalid(field, message, *more, is_cut=len(faults) > MAX_FAULTS)


def find_faults(value: object, shape: Shape, path: str = "", *, strict: bool = True) -> Faults:
    """Return the faults of a raw value in the order of its fields.

    Missing fields come last in their object. One more than MAX_FAULTS are returned if there are so many. Without a
    path, faults of the whole are of the `body`.
    """
    examination = _Examination(strict=strict)
    examination.examine(value, shape, path)
    return examination.faults


def first_fault_of_message(value: object, shape: Shape) -> str:
    """Return the first fault of a message in one line, `field: fault`."""
    field, message = (find_faults(value, shape) or [(BODY, words(FaultKind.OUT_OF_LIMITS))])[0]
    return f"the message {message}" if field == BODY else f"{field}: {message}"


def first_fault(error: msgspec.ValidationError, shape: Shape) -> tuple[str, str]:
    """Return msgspec's one fault in plain words, for an input that costs too much to take apart.

    msgspec tells the path in the text of the error alone; the words follow from the type at the path.
    """
    place = _PLACE.match(str(error))
    fault, path = (place["fault"], place["path"] or "") if place else ("", "")
    if named := _NAMED.match(fault):
        missing = named["fault"] == "missing required"
        return path_of(path, named["name"]), words(FaultKind.REQUIRED if missing else FaultKind.UNKNOWN)
    return path or BODY, _words_of_shape(_shape_at(shape, path), fault)


class _Examination:
    def __init__(self, *, strict: bool) -> None:
        self.faults: Faults = []
        self._strict = strict

    @property
    def _is_full(self) -> bool:
        return len(self.faults) > MAX_FAULTS

    def _add(self, path: str, message: str) -> None:
        self.faults.append((path or BODY, message))

    def examine(self, value: object, shape: Shape, path: str) -> None:
        if self._is_full or shape.accepts(value, strict=self._strict):
            return
        if value is None:
            self._add(path, words(FaultKind.NULL))
            return
        suited = [choice for choice in shape.choices if choice.suits(value, strict=self._strict)]
        if not suited:
            self._add(path, _words_of_types(shape.choices))
        elif isinstance(value, dict):
            self._examine_object(value, suited, path)
        elif isinstance(value, list):
            self._examine_list(value, suited[0], path)
        else:
            self._add(path, self._fault_of_value(value, suited))

    def _examine_object(self, value: dict[str, Any], suited: list[Shape], path: str) -> None:
        if (shape := self._tagged(value, suited, path)) is None:
            return
        before = len(self.faults)
        if isinstance(shape.kind, inspect.StructType):
            self._examine_fields(value, shape, shape.kind, path)
        else:
            self._examine_entries(value, shape, path)
        if len(self.faults) == before:
            self._add(path, _fault_of_whole(value, shape, strict=self._strict))

    def _tagged(self, value: dict[str, Any], suited: list[Shape], path: str) -> Shape | None:
        """Return the type that the object's tag names, or add the fault of the tag."""
        tags = {shape.kind.tag: shape for shape in suited if isinstance(shape.kind, inspect.StructType)}
        name = next((shape.kind.tag_field for shape in tags.values() if shape.kind.tag_field), None)  # type: ignore[attr-defined]
        if name is None:
            return suited[0]
        if name not in value:
            self._add(path_of(path, name), words(FaultKind.REQUIRED))
            return None
        tag = value[name]
        found = tags.get(tag) if isinstance(tag, str | int) else None
        if found is None:
            self._add(path_of(path, name), no_choice(tags))
        return found

    def _examine_fields(self, value: dict[str, Any], shape: Shape, kind: inspect.StructType, path: str) -> None:
        for name, item in value.items():
            if self._is_full:
                return
            if field := shape.fields.get(name):
                self.examine(item, field, path_of(path, name))
            elif kind.forbid_unknown_fields and name != kind.tag_field:
                known = sorted(shape.fields.keys() - value.keys()) if len(self.faults) < MAX_SUGGESTIONS else ()
                self._add(path_of(path, name), unknown_field(name, known))
        for missing in kind.fields:
            if missing.required and missing.encode_name not in value and not self._is_full:
                self._add(path_of(path, missing.encode_name), words(FaultKind.REQUIRED))

    def _examine_entries(self, value: dict[str, Any], shape: Shape, path: str) -> None:
        self._examine_count(len(value), shape, path)
        for name, item in value.items():
            if self._is_full:
                return
            self.examine(name, shape.key, path_of(path, name))
            self.examine(item, shape.item, path_of(path, name))

    def _examine_list(self, value: list[Any], shape: Shape, path: str) -> None:
        """Items beyond the greatest number are not looked at."""
        before = len(self.faults)
        self._examine_count(len(value), shape, path)
        most: int | None = shape.kind.max_length  # type: ignore[attr-defined]
        for index, item in enumerate(value[:most]):
            if self._is_full:
                return
            self.examine(item, shape.item, f"{path}[{index}]")
        if len(self.faults) == before:
            self._add(path, words(FaultKind.OUT_OF_LIMITS))

    def _examine_count(self, count: int, shape: Shape, path: str) -> None:
        least: int | None = shape.kind.min_length  # type: ignore[attr-defined]
        most: int | None = shape.kind.max_length  # type: ignore[attr-defined]
        if least is not None and count < least:
            self._add(path, words(FaultKind.TOO_FEW, count=least) if count else words(FaultKind.EMPTY))
        if most is not None and count > most:
            self._add(path, words(FaultKind.TOO_MANY, count=most))

    def _fault_of_value(self, value: object, suited: list[Shape]) -> str:
        if len(suited) > 1 or suited[0].values is not None:
            return _words_of_types(suited)
        shape = suited[0]
        match shape.kind:
            case inspect.StrType() as kind if isinstance(value, str):
                return _fault_of_text(value, kind, shape)
            case inspect.IntType() | inspect.FloatType() as kind:
                return _fault_of_number(value, kind, shape, strict=self._strict)
            case inspect.DateTimeType(tz=True) if isinstance(value, str) and _is_time(value):
                return words(FaultKind.NO_ZONE)
            case _:
                return _words_of_types(suited)


def _fault_of_text(text: str, kind: inspect.StrType, shape: Shape) -> str:
    if not text:
        return words(FaultKind.EMPTY)
    if kind.max_length is not None and len(text) > kind.max_length:
        return words(FaultKind.TOO_LONG, count=kind.max_length)
    if kind.pattern is not None and not re.search(kind.pattern, text):
        return str(shape.extra.get(FAULT) or words(FaultKind.OUT_OF_LIMITS))
    if kind.min_length is not None and len(text) < kind.min_length:
        return words(FaultKind.TOO_SHORT, count=kind.min_length)
    return text_fault(text, shape.declared) or words(FaultKind.OUT_OF_LIMITS)


def _fault_of_number(value: object, kind: inspect.IntType | inspect.FloatType, shape: Shape, *, strict: bool) -> str:
    try:
        number = msgspec.convert(value, int if isinstance(kind, inspect.IntType) else float, strict=strict)
    except msgspec.ValidationError:
        return _words_of_types([shape])
    if isinstance(number, float) and not math.isfinite(number):
        return words(FaultKind.NOT_FINITE)
    for name, holds, fault in _BOUNDS:
        bound = getattr(kind, name)
        if bound is not None and not holds(number, bound):
            return words(fault, bound=bound)
    if kind.multiple_of is not None:
        return words(FaultKind.NO_MULTIPLE, step=kind.multiple_of)
    return words(FaultKind.OUT_OF_LIMITS)


def _fault_of_whole(value: dict[str, Any], shape: Shape, *, strict: bool) -> str:
    """A condition on several fields (`__post_init__`): the text of its ValueError."""
    if isinstance(shape.kind, inspect.StructType):
        try:
            msgspec.convert(value, shape.kind.cls, strict=strict, str_keys=True)
        except msgspec.ValidationError as error:
            if isinstance(error.__cause__, ValueError):
                return str(error.__cause__)
    return words(FaultKind.OUT_OF_LIMITS)


def _is_time(text: str) -> bool:
    """Whether the text is a time, if without a zone; msgspec takes seconds in digits, too."""
    if not _LIKE_A_TIME.match(text):
        return False
    try:
        msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return False
    return True


def _words_of_types(choices: list[Shape]) -> str:
    if len(choices) == 1 and choices[0].values is not None:
        return no_choice(choices[0].values)
    expected = [shape.expected or Expected.TEXT for shape in choices]
    return wrong_type(expected)


def _shape_at(shape: Shape, path: str) -> Shape | None:
    """Return the type at a path of msgspec's; None where a union or a tag leaves it open."""
    for step in _STEP.finditer(path):
        if len(shape.choices) > 1:
            return None
        own, name = shape.choices[0], step[1]
        found = own.fields.get(name) if name else own.item
        if found is None:
            return None
        shape = found
    return shape


def _words_of_shape(shape: Shape | None, fault: str) -> str:
    if shape is None or not shape.choices:
        return words(FaultKind.OUT_OF_LIMITS)
    if fault.endswith("got `null`"):
        return words(FaultKind.NULL)
    only = shape.choices[0]
    is_number = only.expected in {Expected.NUMBER, Expected.WHOLE_NUMBER}
    has_limits = is_number or only.expected in {Expected.TEXT, Expected.LIST, Expected.OBJECT}
    if not has_limits or ", got `" in fault or ("out of range" in fault and not is_number):
        return _words_of_types(shape.choices)
    if "matching regex" in fault and FAULT in only.extra:
        return str(only.extra[FAULT])
    return words(FaultKind.OUT_OF_LIMITS)
