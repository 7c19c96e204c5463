"""`/`: the objects and events as pages for people, with buttons for the clock and for events."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from typing_extensions import TypedDict

from grome.dev.local_stripe.accounts import transfers_status
from grome.dev.local_stripe.balance import DAY_S, PLATFORM, balance_of
from grome.dev.local_stripe.deliveries import faults_of, resend
from grome.dev.local_stripe.errors import Json, missing
from grome.dev.local_stripe.routing import Answer, Call, route
from grome.dev.local_stripe.state import State
from grome.dev.local_stripe.validation import check_params

_LISTED: Final = 25
_EVENTS_LISTED: Final = 60
# Digits after the point of a currency, where they are not two.
_DIGITS: Final = {
    **dict.fromkeys("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(), 0),  # noqa: SIM905
    **dict.fromkeys("bhd jod kwd omr tnd".split(), 3),  # noqa: SIM905
}
# Kinds of objects in the order of the page, with titles.
_KINDS: Final = {
    "payment_intent": "Payments",
    "refund": "Refunds",
    "dispute": "Disputes",
    "transfer": "Transfers",
    "v2.core.account": "Accounts",
    "payout": "Payouts of accounts",
}
_ID: Final = re.compile(r"&#34;([a-z]+_[A-Za-z0-9_]+)&#34;")


class _Days(TypedDict):
    days: int


class _EventId(TypedDict):
    id: str


def _money(amount: int, currency: str) -> str:
    digits = _DIGITS.get(currency, 2)
    return f"{amount / 10**digits:,.{digits}f} {currency.upper()}"


def _time(seconds: int | str) -> str:
    moment = datetime.fromisoformat(seconds) if isinstance(seconds, str) else datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%d %b %H:%M:%S}"


_PAGES: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_PAGES.filters |= {"money": _money, "time": _time}
_SOURCE: Final = _PAGES.from_string(files("grome.dev.local_stripe").joinpath("page.html").read_text())


@route("GET", "/", access="open")
def show_everything(call: Call) -> Answer:
    """Show the newest objects of each kind, the balance, and the newest events with their delivery."""
    state = call.state
    waiting = sum(1 for _ in state.store.newest("_waiting"))
    tables = {
        title: {
            "total": state.store.counts().get(kind, 0),
            "rows": [_row(state, obj) for obj in islice(state.store.newest(kind), _LISTED)],
        }
        for kind, title in _KINDS.items()
    }
    return _html(
        state,
        title="Local Stripe",
        tables=tables,
        balance=_balances(state),
        events=list(islice(state.store.newest("v2.core.event"), _EVENTS_LISTED)),
        faults={**faults_of(state), "waiting": waiting},
    )


@route("GET", "/objects/{id}", access="open")
def show_object(call: Call) -> Answer:
    """Show an object as JSON in which the ids of other objects are links, and the events about it."""
    state, obj = call.state, call.state.store.find_any(call.id)
    if obj is None or obj["object"].startswith("_"):
        raise missing("object", call.id)
    events = [event for event in state.store.newest("v2.core.event") if event["related_object"]["id"] == call.id]
    return _html(state, title=call.id, obj=obj, text=_linked(state, obj), events=events[:_EVENTS_LISTED])


@route("POST", "/page/clock", access="open")
def advance_clock(call: Call) -> Answer:
    call.state.advance(check_params(call.params, _Days, form=True)["days"] * DAY_S)
    return _back("/")


@route("POST", "/page/resend", access="open")
def resend_event(call: Call) -> Answer:
    event = call.state.store.get("v2.core.event", check_params(call.params, _EventId, form=True)["id"])
    resend(call.state, event)
    return _back("/#events")


def _html(state: State, **values: object) -> Answer:
    shown = {"obj": None, "now": state.now(), "webhook": state.settings.webhook_url, **values}
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"}
    return Answer(_SOURCE.render(shown), content_type="text/html; charset=utf-8", headers=policy)


def _back(path: str) -> Answer:
    return Answer("", status=303, content_type="text/plain", headers={"Location": path})


def _balances(state: State) -> list[Mapping[str, Any]]:
    """Return the available and pending money of the platform by currency."""
    balance, sums = balance_of(state, PLATFORM), dict[str, dict[str, int]]()
    for part in ("available", "pending"):
        for entry in balance[part]:
            sums.setdefault(entry["currency"], {"available": 0, "pending": 0})[part] += entry["amount"]
    return [{"currency": currency, **parts} for currency, parts in sorted(sums.items())]


def _row(state: State, obj: Json) -> Json:
    """Return the cells of an object: its status, its money, and the objects that it names."""
    account = obj["object"] == "v2.core.account"
    return {
        "id": obj["id"],
        "created": obj["created"],
        "status": _status(obj),
        "money": _money(obj["amount"], obj["currency"]) if "amount" in obj else "",
        "about": _about(state, obj) if account else obj.get("description") or obj.get("failure_code") or "",
        "links": [
            obj[field]
            for field in ("customer", "latest_charge", "payment_intent", "charge", "destination", "_account")
            if isinstance(obj.get(field), str) and state.store.find_any(obj[field])
        ],
    }


def _status(obj: Json) -> str:
    if obj["object"] == "v2.core.account":
        return "closed" if obj["closed"] else (transfers_status(obj) or "no transfers")
    if obj["object"] == "transfer":
        return "reversed" if obj["reversed"] else "partly reversed" if obj["amount_reversed"] else "paid"
    return str(obj["status"]).replace("_", " ")


def _about(state: State, account: Json) -> str:
    """Return the name of an account, and its balance by currency."""
    balance = balance_of(state, account["id"])
    parts = [
        f"{_money(entry['amount'], entry['currency'])} {status}"
        for status in ("available", "pending")
        for entry in balance[status]
        if entry["amount"]
    ]
    return " · ".join([account["display_name"] or "", *parts])


def _linked(state: State, obj: Json) -> Markup:
    text = str(escape(json.dumps(obj, indent=2, ensure_ascii=False)))

    def link(found: re.Match[str]) -> str:
        target = state.store.find_any(found[1])
        if target is None or target["object"].startswith("_") or target is obj:
            return found[0]
        return f'&#34;<a href="/objects/{found[1]}">{found[1]}</a>&#34;'

    return Markup(_ID.sub(link, text))  # noqa: S704 -- escaped above
