"""Connected accounts (v2) with the recipient configuration: transfers are allowed once onboarding is complete."""

from typing import Any, Final, Literal, NotRequired

from stripe.params.v2.core import (
    AccountCloseParams,
    AccountCreateParams,
    AccountListParams,
    AccountRetrieveParams,
)
from typing_extensions import TypedDict

from grome.dev.local_stripe.clock import iso
from grome.dev.local_stripe.errors import Json, invalid
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.payouts import schedule_payout
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id
from grome.dev.local_stripe.validation import check_params

KIND: Final = "v2.core.account"
# The number of a bank account that takes money; payouts to 000111111116 fail.
GOOD_BANK: Final = "000123456789"

_ONBOARDING: Final = (
    "configuration.recipient.default_outbound_destination",
    "identity.attestations.terms_of_service.account.date",
    "identity.individual.date_of_birth.day",
    "identity.individual.given_name",
    "identity.individual.surname",
)
_DOCUMENT: Final = ("identity.individual.documents.primary_verification.front_back",)
_MAX_LISTED: Final = 100
_DEFAULT_LISTED: Final = 20

Fate = Literal["complete", "restrict", "close"]


class AccountFate(TypedDict):
    """A decision about an account, made without a browser. `bank` is the number of its bank account."""

    outcome: Fate
    bank: NotRequired[str]


@route("POST", "/v2/core/accounts", AccountCreateParams)
def create_account(call: Call) -> Json:
    params, state = call.params, call.state
    requested = _requests_transfers(params.get("configuration", {}))
    account = {
        "id": new_id("acct"),
        "object": KIND,
        "applied_configurations": ["recipient"] if requested else [],
        "closed": False,
        "configuration": {"customer": None, "merchant": None, "recipient": _recipient() if requested else None},
        "contact_email": params.get("contact_email"),
        "contact_phone": params.get("contact_phone"),
        "created": iso(state.now()),
        "dashboard": params.get("dashboard", "none"),
        "defaults": params.get("defaults"),
        "display_name": params.get("display_name"),
        "future_requirements": None,
        "identity": params.get("identity"),
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "requirements": _requirements(_ONBOARDING if requested else (), "currently_due", None),
        "_bank": None,
    }
    state.store.put(account)
    emit(state, "v2.core.account.created", account)
    return _included(account, params)


@route("GET", "/v2/core/accounts/{id}", AccountRetrieveParams)
def retrieve_account(call: Call) -> Json:
    return _included(call.state.store.get(KIND, call.id), call.params)


@route("GET", "/v2/core/accounts", AccountListParams)
def list_accounts(call: Call) -> Json:
    limit = min(call.params.get("limit", _DEFAULT_LISTED), _MAX_LISTED)
    closed = call.params.get("closed", False)
    found = [account for account in call.state.store.newest(KIND) if account["closed"] is closed]
    return {"data": [_included(account, {}) for account in found[:limit]], "next_page_url": None}


@route("POST", "/v2/core/accounts/{id}/close", AccountCloseParams)
def close_account(call: Call) -> Json:
    account = call.state.store.get(KIND, call.id)
    if account["closed"]:
        raise invalid("The account is closed already.", "account_closed")
    close(call.state, account)
    return _included(account, {})


@route("POST", "/_control/accounts/{id}", access="open")
def decide(call: Call) -> Json:
    """Complete, restrict or close an account as its owner or Stripe would."""
    account = call.state.store.get(KIND, call.id)
    params = check_params(call.params, AccountFate, form=True)
    match params["outcome"]:
        case "complete":
            complete(call.state, account, params.get("bank") or GOOD_BANK)
        case "restrict":
            restrict(call.state, account)
        case _:
            close(call.state, account)
    return account


def complete(state: State, account: Json, bank: str) -> None:
    """Store all the information that Stripe asks for: transfers are allowed from now on."""
    account["_bank"] = bank
    _update(state, account, "active", _requirements((), "currently_due", None))
    schedule_payout(state, account["id"])


def restrict(state: State, account: Json) -> None:
    """Ask for a document that is overdue: transfers are refused until it is given."""
    _update(state, account, "restricted", _requirements(_DOCUMENT, "past_due", state.now()))


def close(state: State, account: Json) -> None:
    account["closed"] = True
    _update(state, account, "restricted", _requirements((), "currently_due", None))
    emit(state, "v2.core.account.closed", account)


def transfers_status(account: Json) -> str | None:
    """Return the status of the capability to receive transfers; None if it was not requested."""
    recipient = account["configuration"]["recipient"]
    return recipient["capabilities"]["stripe_balance"]["stripe_transfers"]["status"] if recipient else None


def _update(state: State, account: Json, status: str, requirements: Json) -> None:
    before, asked = transfers_status(account), account["requirements"]["entries"]
    if before is not None:
        account["configuration"]["recipient"] = _recipient(status)
    account["requirements"] = requirements
    state.store.put(account)
    emit(state, "v2.core.account.updated", account)
    if requirements["entries"] != asked:
        emit(state, "v2.core.account[requirements].updated", account)
    if before is not None and before != status:
        emit(state, "v2.core.account[configuration.recipient].capability_status_updated", account)


def _requests_transfers(configuration: Json) -> bool:
    capabilities = configuration.get("recipient", {}).get("capabilities", {})
    requested = capabilities.get("stripe_balance", {}).get("stripe_transfers", {}).get("requested", False)
    return bool(requested)


def _recipient(status: str = "pending") -> Json:
    details = {
        "active": [],
        "pending": [{"code": "requirements_pending_verification", "resolution": "provide_info"}],
        "restricted": [{"code": "requirements_past_due", "resolution": "provide_info"}],
    }[status]
    transfers = {"requested": True, "status": status, "status_details": details}
    payouts = {"requested": True, "status": status, "status_details": details}
    return {
        "applied": True,
        "capabilities": {"stripe_balance": {"payouts": payouts, "stripe_transfers": transfers}},
        "default_outbound_destination": None,
    }


def _requirements(names: tuple[str, ...], due: str, at: int | None) -> Json:
    """Return the requirements of an account; `at` is the time at which they are or were due."""
    deadline: dict[str, Any] = {"status": due}
    restricts = {
        "capability": "stripe_balance.stripe_transfers",
        "configuration": "recipient",
        "deadline": deadline,
    }
    entries = [
        {
            "awaiting_action_from": "user",
            "description": name,
            "errors": [],
            "impact": {"restricts_capabilities": [restricts]},
            "minimum_deadline": deadline,
            "reference": None,
            "requested_reasons": [{"code": "routine_onboarding"}],
        }
        for name in names
    ]
    summary = {"minimum_deadline": {**deadline, "time": iso(at) if at is not None else None}} if names else None
    return {"alternatives": [], "entries": entries, "minimum_transition_date": None, "summary": summary}


def _included(account: Json, params: Json) -> Json:
    """Return a copy in which only the parts that `include` names are filled, as in v2 of the API."""
    include = set(params.get("include", ()))
    shown = {**account}
    for part in ("defaults", "identity", "requirements", "future_requirements"):
        if part not in include:
            shown[part] = None
    configuration = {
        name: value if f"configuration.{name}" in include else None for name, value in account["configuration"].items()
    }
    shown["configuration"] = configuration if any(name.startswith("configuration.") for name in include) else None
    return shown
