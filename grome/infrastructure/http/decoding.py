"""Decode bytes and strings into Structs. Undecodable input is refused with the name of the wrong field."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, get_origin
from uuid import UUID

import msgspec
from sanic import Request

from grome.common.errors import Invalid, MalformedBody, UnsupportedMediaType
from grome.common.text_fields import normalize_texts

T = TypeVar("T", bound=msgspec.Struct)
_PLACE = re.compile(r"^(?P<what>.*) - at (?:`key` in )?`\$\.?(?P<path>.*)`$", re.DOTALL)
_LIKE_A_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
_NAMED = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)


def field_fault_of(error: msgspec.ValidationError, root: str = "body") -> tuple[str, str]:
    """Extract the field path and the fault from a msgspec message, since msgspec offers no other form.

    `root` is the path if the whole input is of the wrong kind, say an array for an object.
    """
    text = str(error)
    place = _PLACE.match(text)
    path = place["path"] if place else ""
    what = place["what"] if place else text
    if named := _NAMED.match(what):
        path = f"{path}.{named['name']}" if path else named["name"]
        what = "is required" if named["what"] == "missing required" else "is not a known field"
    return path or root, what


class BodyDecoder:
    """Decodes a JSON body of one Struct type. An empty body stands for `{}` where every field has a default."""

    def __init__(self, struct: type[T]) -> None:
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
        except msgspec.ValidationError as error:
            raise Invalid(*field_fault_of(error)) from None
        except msgspec.DecodeError as error:
            raise MalformedBody(str(error), faults=(("body", str(error)),)) from None
        except UnicodeDecodeError:
            raise MalformedBody(faults=(("body", "is not UTF-8"),)) from None


class QueryDecoder:
    """Decodes the query string of one Struct type; list fields are repeated or parted by commas, others come once."""

    def __init__(self, struct: type[T]) -> None:
        self._struct = struct
        fields = msgspec.structs.fields(struct)
        self._names = {field.encode_name: field.name for field in fields}
        self._lists = {field.encode_name for field in fields if _is_list(field.type)}
        self._default = None if any(field.required for field in fields) else struct()

    def __call__(self, request: Request) -> Any:  # noqa: ANN401 -- as above
        if not request.query_string and self._default is not None:
            return self._default
        return self.decode(request.get_args(keep_blank_values=True, errors="surrogateescape"))

    def decode(self, sent: Mapping[str, list[str]]) -> Any:  # noqa: ANN401 -- as above
        given = {name: self._value(name, values) for name, values in sent.items()}
        try:
            query = msgspec.convert(given, self._struct, strict=False)
        except msgspec.ValidationError as error:
            raise Invalid(*field_fault_of(error, "query")) from None
        for name, text in given.items():
            value = getattr(query, self._names[name])
            if value is None:  # msgspec takes the word `null` for it, and a filter would pass for none
                raise Invalid(name, "is not null where it is given")
            if isinstance(value, float) and not math.isfinite(value):  # "inf" passes an open-ended bound
                raise Invalid(name, "is not a finite number")
            if isinstance(value, datetime) and not _LIKE_A_TIME.match(str(text)):  # msgspec takes seconds, too
                raise Invalid(name, "is not a time (RFC 3339)")
        return normalize_texts(query)

    def _value(self, name: str, values: list[str]) -> str | list[str]:
        if not _is_utf8(name):
            raise Invalid("query", "has a field whose name is not UTF-8")
        if not all(_is_utf8(value) for value in values):
            raise Invalid(name, "is not UTF-8")
        if name in self._lists:
            # `add_on_ids=` is how generated clients write a list without items.
            return [part for value in values if value for part in value.split(",")]
        if len(values) > 1:
            raise Invalid(name, "is given more than once")
        return values[0]


def decode_part(name: str, text: str, kind: type) -> Any:  # noqa: ANN401 -- of that kind
    """A part of the path: an id or a date."""
    try:
        return msgspec.convert(text, kind)
    except msgspec.ValidationError:
        raise Invalid(name, "is not an id (UUID)" if kind is UUID else "is not a date (YYYY-MM-DD)") from None


def _is_utf8(text: str) -> bool:
    """Whether decoding left none of the marks that `surrogateescape` puts for foreign bytes."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def _is_list(annotation: Any) -> bool:  # noqa: ANN401 -- any annotation
    return any(get_origin(part) is list for part in (annotation, *getattr(annotation, "__args__", ())))
