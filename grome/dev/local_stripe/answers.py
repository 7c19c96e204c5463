"""Make answers of stored objects: list pages, expanded fields, without private fields."""

from collections.abc import Iterable
from typing import Any, Final

from grome.dev.local_stripe.balance import line_now
from grome.dev.local_stripe.errors import Json, malformed
from grome.dev.local_stripe.routing import Call
from grome.dev.local_stripe.state import State

_DEFAULT_LIMIT: Final = 10
_MAX_LIMIT: Final = 100
_MAX_DEPTH: Final = 4


def page(call: Call, objects: Iterable[Json]) -> Json:
    """Return the page of a list (newest first) that `limit`, `starting_after`, `ending_before`, `created` select."""
    params = call.params
    limit = params.get("limit", _DEFAULT_LIMIT)
    if not 1 <= limit <= _MAX_LIMIT:
        raise malformed(f"Limit must be between 1 and {_MAX_LIMIT}", "parameter_invalid_integer", "limit")
    found = [obj for obj in objects if _created_in(obj, params.get("created"))]
    if after := params.get("starting_after"):
        found = found[_index(found, after, "starting_after") + 1 :]
    elif before := params.get("ending_before"):
        found = found[: _index(found, before, "ending_before")][-limit:]
    return {"object": "list", "url": call.path, "has_more": len(found) > limit, "data": found[:limit]}


def select(call: Call, kind: str, *names: str) -> list[Json]:
    """Return the objects of a kind, the newest first, that equal the params of those names where they are given."""
    wanted = {name: call.params[name] for name in names if name in call.params}
    return [obj for obj in call.state.store.newest(kind) if all(obj[name] == value for name, value in wanted.items())]


def _created_in(obj: Json, bounds: Any) -> bool:  # noqa: ANN401 -- int or an object of bounds
    if bounds is None:
        return True
    created = obj["created"]
    if not isinstance(bounds, dict):
        return bool(created == bounds)
    infinite = float("inf")
    return bool(
        bounds.get("gt", -infinite) < created < bounds.get("lt", infinite)
        and bounds.get("gte", -infinite) <= created <= bounds.get("lte", infinite)
    )


def _index(objects: list[Json], object_id: str, param: str) -> int:
    for index, obj in enumerate(objects):
        if obj["id"] == object_id:
            return index
    raise malformed(f"No such object: '{object_id}'", "resource_missing", param)


def render(state: State, obj: Json, expand: Iterable[str]) -> Json:
    """Copy an object without its private fields, with each path of `expand` replaced by the object that it names."""
    answer: Json = public(obj)
    for path in expand:
        keys = path.split(".")
        if len(keys) > _MAX_DEPTH + 1:
            raise malformed(f"You cannot expand more than {_MAX_DEPTH} levels", None, "expand")
        _expand(state, answer, keys, path)
    return answer


def _expand(state: State, node: Json, keys: list[str], path: str) -> None:
    key, *rest = keys
    if key not in node:
        raise malformed(f"This property cannot be expanded ({path}).", None, "expand")
    value = node[key]
    if isinstance(value, str):
        target = state.store.find_any(value)
        if target is None:
            raise malformed(f"This property cannot be expanded ({path}).", None, "expand")
        value = node[key] = public(line_now(state, target) if target["object"] == "balance_transaction" else target)
    if rest:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                _expand(state, item, rest, path)


def public(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """Copy a value without private fields."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value
