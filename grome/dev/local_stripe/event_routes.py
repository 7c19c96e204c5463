"""`/v2/core/events`: the events of the last 30 days."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NotRequired, TypedDict
from urllib.parse import urlencode

from stripe.params.v2.core import EventListParamsCreated, EventRetrieveParams

from grome.dev.local_stripe.balance import DAY_S
from grome.dev.local_stripe.errors import Json, malformed
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State

_KEPT_S: Final = 30 * DAY_S
_DEFAULT_LIMIT: Final = 20
_MAX_LIMIT: Final = 100


class EventPageParams(TypedDict):
    """The SDK's params with the token of a page, which the SDK takes from `next_page_url`."""

    created: NotRequired[EventListParamsCreated]
    limit: NotRequired[int]
    object_id: NotRequired[str]
    page: NotRequired[str]
    types: NotRequired[list[str]]


@route("GET", "/v2/core/events", EventPageParams)
def list_events(call: Call) -> Json:
    forget_old_events(call.state)
    limit = call.params.get("limit", _DEFAULT_LIMIT)
    if not 1 <= limit <= _MAX_LIMIT:
        raise malformed(f"limit must be between 1 and {_MAX_LIMIT}", "parameter_invalid", "limit")
    found = list(_matching(call))
    if after := call.params.get("page"):
        ids = [event["id"] for event in found]
        if after not in ids:
            raise malformed("The page token is invalid.", "page_token_invalid", "page")
        found = found[ids.index(after) + 1 :]
    data = found[:limit]
    next_url = _url(call, data[-1]["id"]) if len(found) > limit else None
    return {"data": data, "next_page_url": next_url, "previous_page_url": None}


@route("GET", "/v2/core/events/{id}", EventRetrieveParams)
def retrieve_event(call: Call) -> Json:
    forget_old_events(call.state)
    return call.state.store.get("v2.core.event", call.id)


def forget_old_events(state: State) -> None:
    """Delete the events that Stripe would not have any more."""
    oldest = state.now() - _KEPT_S
    for event in state.store.newest("v2.core.event"):
        if event["_at"] < oldest:
            state.store.delete(event)


def _matching(call: Call) -> Iterator[Json]:
    bounds = {name: _seconds(text, f"created[{name}]") for name, text in call.params.get("created", {}).items()}
    types, object_id = call.params.get("types"), call.params.get("object_id")
    for event in call.state.store.newest("v2.core.event"):
        at = datetime.fromisoformat(event["created"]).timestamp()
        if (
            bounds.get("gt", float("-inf")) < at < bounds.get("lt", float("inf"))
            and bounds.get("gte", float("-inf")) <= at <= bounds.get("lte", float("inf"))
            and (not types or event["type"] in types)
            and (not object_id or event["related_object"]["id"] == object_id)
        ):
            yield event


def _seconds(text: str, param: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise malformed(f"Invalid timestamp: {text}", "parameter_invalid", param) from None


def _url(call: Call, last_id: str) -> str:
    """Return the path of the next page, with the filters of this page."""
    query: list[tuple[str, object]] = [("page", last_id)]
    for name, value in call.params.items():
        if name == "created":
            query += [(f"created[{bound}]", text) for bound, text in value.items()]
        elif name == "types":
            query += [(f"types[{index}]", item) for index, item in enumerate(value)]
        elif name != "page":
            query.append((name, value))
    return f"{call.path}?{urlencode(query)}"
