"""Decode bytes and strings into Structs. Refused input is answered with all its faults, field by field."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeVar, get_origin
from urllib.parse import unquote

import msgspec
from sanic import Request

from grome.common.errors import Invalid, MalformedBody, UnsupportedMediaType
from grome.common.field_faults import (
    MAX_FAULTS,
    MAX_SUGGESTIONS,
    Expected,
    FaultKind,
    path_of,
    unknown_field,
    words,
    wrong_type,
)
from grome.common.input_faults import Faults, find_faults, first_fault, refusal_of
from grome.common.input_shapes import Shape
from grome.common.text_fields import normalize_texts

T = TypeVar("T", bound=msgspec.Struct)
# Beyond this size only the first fault is named: to take a larger body apart would cost milliseconds.
_MAX_EXAMINED_BYTES: Final = 2**17
_BYTE: Final = re.compile(r"\(byte (\d+)\)$")
_LIKE_A_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def decode_path(path: Mapping[str, str], kinds: Mapping[str, type]) -> dict[str, Any]:
    """Return the parts of a path: ids, dates and texts. Raises Invalid with all malformed ids and dates."""
    try:
        # Not by Sanic's own `unquote`, which holds for some other routes too, and not always for its own.
        return {
            name: unquote(text) if kinds[name] is str else msgspec.convert(text, kinds[name])
            for name, text in path.items()
        }
    except msgspec.ValidationError:
        typed = {name: text for name, text in path.items() if kinds[name] is not str}
        raise refusal_of(
            [f for name, text in typed.items() for f in find_faults(text, Shape.of(kinds[name]), name)]
        ) from None


def decode_all(request: Request, decoders: Mapping[str, Callable[[Request], Any]]) -> dict[str, Any]:
    """Return the parts of a request, each by its decoder. Raises Invalid with the faults of all parts."""
    decoded: dict[str, Any] = {}
    refusals: list[Invalid] = []
    for name, decode in decoders.items():
        try:
            decoded[name] = decode(request)
        except Invalid as refusal:
            refusals.append(refusal)
        except (MalformedBody, UnsupportedMediaType):
            if not refusals:
                raise
    if refusals:
        raise merged(refusals)
    return decoded


def merged(refusals: Sequence[Invalid]) -> Invalid:
    """Return one refusal with the faults of several."""
    if len(refusals) == 1:
        return refusals[0]
    return refusal_of([fault for refusal in refusals for fault in refusal.faults])


class BodyDecoder:
    """Decodes a JSON body of one Struct type. An empty body stands for `{}` where every field has a default."""

    def __init__(self, struct: type[T]) -> None:
        self._struct = struct
        self._decoder = msgspec.json.Decoder(struct)
        self._all_optional = not any(field.required for field in msgspec.structs.fields(struct))

    def __call__(self, request: Request) -> Any:  # noqa: ANN401 -- the Struct given above, known to the route's annotation
        body: bytes = request.body
        if not body and self._all_optional:
            body = b"{}"
        elif request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType
        elif request.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType(headers={"Accept-Encoding": "identity"})  # RFC 9110, section 15.5.16
        try:
            return normalize_texts(self._decoder.decode(body))
        except (msgspec.ValidationError, Invalid) as error:
            raise refusal_of(self._faults(body, error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed(error) from None

    @cached_property
    def _shape(self) -> Shape:
        return Shape.of(self._struct)

    def _faults(self, body: bytes, error: msgspec.ValidationError | Invalid) -> Faults:
        """Return all faults; of a body that is large, too deep, or has a huge number, the first."""
        if len(body) <= _MAX_EXAMINED_BYTES:
            try:
                if found := find_faults(_decode_raw(body), self._shape):
                    return found
            except (msgspec.ValidationError, RecursionError):
                pass
            except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
                raise _malformed(unreadable) from None
        return list(error.faults) if isinstance(error, Invalid) else [first_fault(error, self._shape)]


# With numbers beyond the range of a float, which are told to be infinite.
_decode_raw: Final = msgspec.json.Decoder(float_hook=float).decode


def _malformed(error: Exception) -> MalformedBody:
    place = _BYTE.search(str(error))
    if isinstance(error, UnicodeDecodeError) or "UTF-8" in str(error):
        message = words(FaultKind.NOT_UTF8)
    elif isinstance(error, RecursionError):
        message = words(FaultKind.TOO_DEEP)
    elif place:
        message = words(FaultKind.NOT_JSON, byte=place[1])
    else:
        message = words(FaultKind.CUT_SHORT if "truncated" in str(error) else FaultKind.UNREADABLE)
    return MalformedBody(f"The body {message}.", faults=(("body", message),))


class QueryDecoder:
    """Decodes the query string of one Struct type; list fields are repeated or parted by commas, others come once."""

    def __init__(self, struct: type[T]) -> None:
        self._struct = struct
        fields = msgspec.structs.fields(struct)
        self._names = {field.encode_name: field.name for field in fields}
        self._required = [field.encode_name for field in fields if field.required]
        self._lists = {field.encode_name for field in fields if _is_list(field.type)}
        self._default = None if self._required else struct()

    def __call__(self, request: Request) -> Any:  # noqa: ANN401 -- as above
        if not request.query_string and self._default is not None:
            return self._default
        return self.decode(request.get_args(keep_blank_values=True, errors="surrogateescape"))

    def decode(self, sent: Mapping[str, list[str]]) -> Any:  # noqa: ANN401 -- as above
        try:
            given = {name: self._value(name, values) for name, values in sent.items()}
            query = msgspec.convert(given, self._struct, strict=False)
            if not any(_fault_of_query_value(text, getattr(query, self._names[name])) for name, text in given.items()):
                return normalize_texts(query)
        except (msgspec.ValidationError, Invalid):
            pass
        raise refusal_of(self._faults(sent))

    @cached_property
    def _shape(self) -> Shape:
        return Shape.of(self._struct)

    def _faults(self, sent: Mapping[str, list[str]]) -> Faults:
        faults: Faults = []
        for name, values in sent.items():
            if len(faults) > MAX_FAULTS:
                return faults
            faults += self._faults_of_field(name, values, suggests=len(faults) < MAX_SUGGESTIONS)
        missing = words(FaultKind.REQUIRED)
        faults += [(name, missing) for name in self._required if name not in sent]
        return faults or [("query", words(FaultKind.OUT_OF_LIMITS))]

    def _faults_of_field(self, name: str, values: list[str], *, suggests: bool) -> Faults:
        try:
            value = self._value(name, values)
        except Invalid as refusal:
            return list(refusal.faults)
        shape = self._shape.fields.get(name)
        if shape is None:
            return [(path_of("", name), unknown_field(name, self._names if suggests else ()))]
        if found := find_faults(value, shape, name, strict=False):
            return found
        fault = _fault_of_query_value(value, shape.convert(value, strict=False))
        return [(name, fault)] if fault else []

    def _value(self, name: str, values: list[str]) -> str | list[str]:
        if not _is_utf8(name):
            raise Invalid("query", words(FaultKind.NAME_NOT_UTF8))
        if not all(_is_utf8(value) for value in values):
            raise Invalid(name, words(FaultKind.NOT_UTF8))
        if name in self._lists:
            # `add_on_ids=` is how generated clients write a list without items.
            return [part for value in values if value for part in value.split(",")]
        if len(values) > 1:
            raise Invalid(name, words(FaultKind.REPEATED))
        return values[0]


def _fault_of_query_value(text: str | list[str], value: object) -> str | None:
    """Return the fault that msgspec does not see in a text and its value."""
    if value is None:  # msgspec takes the word `null` for it, and a filter would pass for none
        return words(FaultKind.NULL)
    if isinstance(value, float) and not math.isfinite(value):  # "inf" passes an open-ended bound
        return words(FaultKind.NOT_FINITE)
    if isinstance(value, datetime) and not _LIKE_A_TIME.match(str(text)):  # msgspec takes seconds, too
        return wrong_type([Expected.TIME])
    return None


def _is_utf8(text: str) -> bool:
    """Whether decoding left none of the marks that `surrogateescape` puts for foreign bytes."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def _is_list(annotation: Any) -> bool:  # noqa: ANN401 -- any annotation
    return any(get_origin(part) is list for part in (annotation, *getattr(annotation, "__args__", ())))
