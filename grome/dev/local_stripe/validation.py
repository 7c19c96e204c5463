"""Check params against the TypedDicts of Stripe's SDK, and convert the strings of forms."""

import re
import types
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions
from stripe._request_options import RequestOptions

from grome.dev.local_stripe.errors import Json, malformed

_INTEGER: Final = re.compile(r"-?\d+$")
_BOOLEANS: Final = {"true": True, "false": False}
# Options of the SDK's methods: never sent as params.
_OPTIONS: Final = frozenset(RequestOptions.__annotations__)
# Resolving annotations takes milliseconds.
_FIELDS: Final[dict[type[Any], Mapping[str, Any]]] = {}
# Longer than all numbers of Stripe; Python refuses to convert endless digits.
_MAX_DIGITS: Final = 18


def fields_of(params: type[Any]) -> Mapping[str, Any]:
    """Return the types of a TypedDict's fields, without the options of a request."""
    if params not in _FIELDS:
        _FIELDS[params] = _read_fields(params)
    return _FIELDS[params]


def _read_fields(params: type[Any]) -> Mapping[str, Any]:
    hints = get_type_hints(params, localns={"StripeContext": str, "Mapping": Mapping})
    options = _OPTIONS if hints.keys() >= _OPTIONS else frozenset()
    return {name: hint for name, hint in hints.items() if name not in options}


def check_params(sent: Json, params: type[Any] | None, *, form: bool) -> Json:
    """Return the params with the types of the TypedDict. Raises `parameter_unknown`, `parameter_missing` and others."""
    if params is None:
        for name in sent:
            raise _unknown(name)
        return {}
    return _object(sent, params, "", form)


def _object(sent: Json, params: type[Any], path: str, form: bool) -> Json:  # noqa: FBT001 -- recursion
    fields, checked = fields_of(params), {}
    for name, value in sent.items():
        place = f"{path}[{name}]" if path else name
        if name not in fields:
            raise _unknown(place)
        checked[name] = _value(value, fields[name], place, form)
    for name in sorted(params.__required_keys__):
        if name not in sent and name in fields:
            place = f"{path}[{name}]" if path else name
            raise malformed(f"Missing required param: {place}.", "parameter_missing", place)
    return checked


def _value(value: Any, hint: Any, path: str, form: bool) -> Any:  # noqa: ANN401, FBT001 -- any type
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(value, arguments, path, form)
    if origin in (Literal, typing_extensions.Literal):
        if value in arguments:
            return value
        raise malformed(f"Invalid {path}: must be one of {', '.join(map(str, arguments))}", None, path)
    if origin is list:
        if not isinstance(value, list):
            raise malformed("Invalid array", None, path)
        return [_value(item, arguments[0], f"{path}[{index}]", form) for index, item in enumerate(value)]
    if is_typeddict(hint) or typing_extensions.is_typeddict(hint):
        if not isinstance(value, dict):
            raise malformed("Invalid object", None, path)
        return _object(value, hint, path, form)
    if origin is dict:
        if not isinstance(value, dict):
            raise malformed("Invalid object", None, path)
        return {key: _value(item, arguments[1], f"{path}[{key}]", form) for key, item in value.items()}
    return _scalar(value, hint, path, form)


def _union(value: Any, arms: tuple[Any, ...], path: str, form: bool) -> Any:  # noqa: ANN401, FBT001
    """Return the conversion of the first type that accepts the value, a plain string last."""
    failure: Exception | None = None
    for arm in sorted(arms, key=lambda arm: arm is str):
        try:
            return _value(value, arm, path, form)
        except Exception as error:  # noqa: BLE001 -- the next type may fit
            deeper = isinstance(value, dict) and (is_typeddict(arm) or typing_extensions.is_typeddict(arm))
            failure = error if failure is None or deeper else failure
    raise failure or malformed("Invalid value", None, path)


def _scalar(value: Any, hint: Any, path: str, form: bool) -> Any:  # noqa: ANN401, FBT001
    if hint in (Any, object):
        return value
    if hint is type(None) and value is None:
        return None
    if hint is bool:
        if isinstance(value, bool) or (form and value in _BOOLEANS):
            return value if isinstance(value, bool) else _BOOLEANS[value]
        raise malformed(f"Invalid boolean: {value}", "parameter_invalid_boolean", path)
    if hint is int:
        if isinstance(value, str) and _INTEGER.match(value) and len(value) <= _MAX_DIGITS:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise malformed(f"Invalid integer: {value}", "parameter_invalid_integer", path)
    if hint in (str, float, Decimal) and isinstance(value, str | int | float) and not isinstance(value, bool):
        if hint is str and not isinstance(value, str):
            raise malformed("Invalid string", "parameter_invalid_string", path)
        return value
    raise malformed(f"Invalid value of {path}", None, path)


def _unknown(path: str) -> Exception:
    return malformed(f"Received unknown parameter: {path}", "parameter_unknown", path)
