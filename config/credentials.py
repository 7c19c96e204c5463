"""Faults of credentials of other services. No sentence contains any part of a credential."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from config.sections.money import StripeSettings

_STRIPE_SECRET: Final = re.compile(r"(sk|rk)_(test|live)_\w+")
_STRIPE_PUBLISHABLE: Final = re.compile(r"pk_(test|live)_\w+")
_STRIPE_WEBHOOK: Final = re.compile(r"whsec_[\w+/=]+")


class _ServiceAccount(msgspec.Struct):
    project_id: str
    client_email: str
    private_key_id: str
    private_key: str
    token_uri: str


def stripe_faults(stripe: StripeSettings) -> Iterator[str]:
    """Check the form of the keys of Stripe, and that both are of the same mode."""
    secret = _STRIPE_SECRET.fullmatch(stripe.secret_key)
    publishable = _STRIPE_PUBLISHABLE.fullmatch(stripe.publishable_key)
    if stripe.secret_key and not secret:
        yield "GROME_STRIPE_SECRET_KEY is not a secret key of Stripe: It begins with sk_test_, sk_live_ or rk_live_."
    if stripe.publishable_key and not publishable:
        yield "GROME_STRIPE_PUBLISHABLE_KEY is not a publishable key of Stripe: It begins with pk_test_ or pk_live_."
    if secret and publishable and secret[2] != publishable[1]:
        yield (
            f"GROME_STRIPE_SECRET_KEY is of the {secret[2]} mode and GROME_STRIPE_PUBLISHABLE_KEY of the"
            f" {publishable[1]} mode: both must be of the same."
        )
    secrets = [item.strip() for item in stripe.webhook_secrets.split(",")]
    if stripe.webhook_secrets and not all(_STRIPE_WEBHOOK.fullmatch(item) for item in secrets):
        yield "GROME_STRIPE_WEBHOOK_SECRETS is not a list of signing secrets of Stripe: each begins with whsec_."


def service_account_fault(variable: str, text: str) -> str | None:
    """Check the JSON key file of a Google service account."""
    advice = "It is the whole JSON file that the Firebase console makes under Service accounts."
    try:
        account = msgspec.json.decode(text, type=_ServiceAccount)
    except msgspec.ValidationError as fault:
        missing = re.search(r"missing required field `(\w+)`", str(fault))
        return f"{variable} {f'lacks the field {missing[1]}' if missing else 'has a field of the wrong type'}: {advice}"
    except msgspec.DecodeError:
        return f"{variable} is not JSON: {advice}"
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    return (
        None
        if isinstance(key, RSAPrivateKey)
        else f"{variable} has a private_key that is not an RSA key in PEM: {advice}"
    )
