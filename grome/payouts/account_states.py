"""Describe payout accounts: their status, and the information that Stripe asks for, in plain words."""

from typing import Final

from grome.payouts.models import PayoutAccount
from grome.payouts.schemas import AccountOut, HoldOut, OnboardingState, OnboardingStatus, RequirementOut

# Parts of Stripe's names of requirements, the most specific first.
_PLAIN_WORDS: Final = (
    ("bank_account", "A bank account for your payouts"),
    ("external_account", "A bank account for your payouts"),
    ("outbound_destination", "A bank account for your payouts"),
    ("default_outbound", "A bank account for your payouts"),
    ("terms_of_service", "Your agreement to Stripe's terms"),
    ("attestation", "Your agreement to Stripe's terms"),
    ("documents", "A photo of an identity document"),
    ("verification", "A photo of an identity document"),
    ("date_of_birth", "Your date of birth"),
    ("dob", "Your date of birth"),
    ("id_number", "Your tax or identity number"),
    ("tax_id", "Your tax or identity number"),
    ("address", "Your address"),
    ("phone", "Your phone number"),
    ("email", "Your email address"),
    ("given_name", "Your first name"),
    ("first_name", "Your first name"),
    ("surname", "Your last name"),
    ("last_name", "Your last name"),
    ("registered_name", "The name of your business"),
    ("business_details", "Details of your business"),
    ("company", "Details of your business"),
    ("individual", "Details of yourself"),
)
_BANK_REFUSED: Final = "Another bank account: your bank refused the last payment"


def in_plain_words(name: str) -> str:
    """Return the requirement as a person would ask for it; a requirement unknown here keeps Stripe's words."""
    folded = name.lower()
    for part, words in _PLAIN_WORDS:
        if part in folded:
            return words
    return folded.rpartition(".")[2].replace("_", " ").capitalize()


def status_of(account: PayoutAccount | None) -> OnboardingStatus:
    if account is None or account.stripe_id is None:
        return "none"
    if account.closed:
        return "closed"
    if account.can_receive:
        return "active"
    if account.activated_at or account.transfers == "unsupported":
        return "restricted"
    return "incomplete" if any(one.due != "eventually" for one in account.requirements) else "pending"


def onboarding_state(account: PayoutAccount | None) -> OnboardingState:
    if account is None:
        return OnboardingState("none", None, None, [], payouts_allowed=False)
    asked = [RequirementOut(in_plain_words(one.name), one.due, one.deadline) for one in account.requirements]
    if account.bank_failed_at:
        asked.insert(0, RequirementOut(_BANK_REFUSED, "currently", None))
    return OnboardingState(
        status_of(account),
        account.country,
        account.currency,
        # Several of Stripe's names, such as the lines of an address, have the same plain words.
        list(dict.fromkeys(asked)),
        payouts_allowed=account.can_receive and account.hold is None,
    )


def account_out(account: PayoutAccount) -> AccountOut:
    hold = HoldOut(account.hold.reason, account.hold.by, account.hold.at) if account.hold else None
    return AccountOut(account.id, account.stripe_id, onboarding_state(account), hold, account.former)
