"""Read the address that a person signs in with."""

from grome.accounts.models import SignInName
from grome.common.email_addresses import email_forms
from grome.common.errors import Invalid
from grome.common.phone_numbers import phone_forms


def sign_in_name(email: str | None, phone: str | None) -> SignInName:
    """Return the name. Raises Invalid unless exactly one of the two addresses is given."""
    if email is not None and phone is None:
        return SignInName("email", tuple(email_forms(email)))
    if phone is not None and email is None:
        return SignInName("phone", tuple(phone_forms(phone)))
    raise Invalid("email", "is required without `phone`, and not allowed with it")
