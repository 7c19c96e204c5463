"""Account links, and the page behind a link, which stands for Stripe's own onboarding."""

from importlib.resources import files
from typing import Final, Literal, NotRequired
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from stripe.params.v2.core import AccountLinkCreateParams
from typing_extensions import TypedDict

from grome.dev.local_stripe.accounts import GOOD_BANK, KIND, complete, restrict, transfers_status
from grome.dev.local_stripe.clock import iso
from grome.dev.local_stripe.errors import Json, invalid, malformed
from grome.dev.local_stripe.routing import Answer, Call, route
from grome.dev.local_stripe.state import new_id
from grome.dev.local_stripe.validation import check_params

_VALID_S: Final = 600
_PAGE: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    files("grome.dev.local_stripe").joinpath("onboarding.html").read_text()
)


class OnboardingForm(TypedDict):
    outcome: Literal["complete", "incomplete", "restrict"]
    bank: NotRequired[str]


@route("POST", "/v2/core/account_links", AccountLinkCreateParams)
def create_link(call: Call) -> Json:
    state, use_case = call.state, call.params["use_case"]
    account = state.store.get(KIND, call.params["account"], "account")
    flow = use_case.get(use_case["type"])
    if flow is None:
        raise malformed(f"Missing required param: use_case[{use_case['type']}].", "parameter_missing", "use_case")
    if account["closed"]:
        raise invalid("The account is closed.", "account_closed", "account")
    link_id = new_id("link")
    link = {
        "id": link_id,
        "object": "v2.core.account_link",
        "account": account["id"],
        "created": iso(state.now()),
        "expires_at": iso(state.now() + _VALID_S),
        "livemode": False,
        "url": f"{state.settings.url}/onboarding/{link_id}",
        "use_case": {"account_onboarding": None, "account_update": None, **use_case},
        "_expires": state.now() + _VALID_S,
        "_flow": flow,
        "_used": False,
    }
    return state.store.put(link)


@route("GET", "/onboarding/{id}", access="open")
def show_form(call: Call) -> Answer:
    """Show the form; a link that is used or expired leads to the address for a new link."""
    link = call.state.store.get("v2.core.account_link", call.id)
    if link["_used"] or link["_expires"] <= call.state.now():
        return _redirect(link["_flow"]["refresh_url"])
    account = call.state.store.get(KIND, link["account"])
    page = _PAGE.render(
        account=account,
        status=transfers_status(account) or "not requested",
        bank=account["_bank"] or GOOD_BANK,
        entries=account["requirements"]["entries"],
    )
    return Answer(page, content_type="text/html; charset=utf-8")


@route("POST", "/onboarding/{id}", access="open")
def submit_form(call: Call) -> Answer:
    """Apply the choice of the form, and lead back to the platform. A link works once."""
    state, params = call.state, check_params(call.params, OnboardingForm, form=True)
    link = state.store.get("v2.core.account_link", call.id)
    flow = link["_flow"]
    if link["_used"] or link["_expires"] <= state.now():
        return _redirect(flow["refresh_url"])
    state.store.put({**link, "_used": True})
    account = state.store.get(KIND, link["account"])
    if params["outcome"] == "complete":
        complete(state, account, params.get("bank") or GOOD_BANK)
    elif params["outcome"] == "restrict":
        restrict(state, account)
    return _redirect(flow.get("return_url") or flow["refresh_url"])


def _redirect(url: str) -> Answer:
    return Answer(
        "", status=303, content_type="text/plain", headers={"Location": quote(url, safe=":/?#[]@!$&'()*+,;=%~")}
    )
