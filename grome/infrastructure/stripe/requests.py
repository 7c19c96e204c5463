"""Parameters of the calls that create objects at Stripe. Amounts are ISO 4217 minor units."""

from typing import Literal

from msgspec import Struct


class NewIntent(Struct, frozen=True, kw_only=True):
    """A PaymentIntent to create.

    `off_session` confirms it at once from the saved card `method_id`. `save_card` keeps the card that the customer
    enters for later charges.
    """

    amount: int
    currency: str
    customer_id: str
    metadata: dict[str, str]
    transfer_group: str
    description: str
    capture_method: Literal["automatic", "manual"] = "automatic"
    method_id: str | None = None
    off_session: bool = False
    save_card: bool = False


class NewRefund(Struct, frozen=True, kw_only=True):
    intent_id: str
    amount: int
    currency: str
    metadata: dict[str, str]
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class NewAccount(Struct, frozen=True, kw_only=True):
    """A connected account that receives transfers. `country` is ISO 3166, and must be in the platform's region."""

    display_name: str
    email: str | None
    country: str
    currency: str
    metadata: dict[str, str]


class NewTransfer(Struct, frozen=True, kw_only=True):
    amount: int
    currency: str
    destination: str
    transfer_group: str
    metadata: dict[str, str]
