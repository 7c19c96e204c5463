"""The sections of settings about Stripe, payments and payouts."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class StripeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    secret_key: Annotated[
        str,
        Meta(
            description="Secret key of the Stripe account; unset, no payments are taken, and `grome run` uses its own.",
            extra={"secret": True},
        ),
    ] = ""
    publishable_key: Annotated[str, Meta(description="The key that apps give Stripe's SDK.")] = ""
    webhook_secrets: Annotated[
        str,
        Meta(
            description="Signing secrets of the webhook, separated by commas: during a rotation the old and the new.",
            extra={"secret": True},
        ),
    ] = ""
    url: Annotated[str, Meta(description="Another address of Stripe's API than its own; for the stand-in only.")] = ""
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of the stand-in that `grome run` starts; 0 takes a free one.")
    ] = 0
    timeout_s: Annotated[float, Meta(gt=0, le=80, description="A call to Stripe is given up after so long.")] = 10.0
    country: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z]{2}$(?!\n)",
            description="Country of barbers' payout accounts, as ISO 3166.",
            extra={"form": "two capital letters, e.g. DE"},
        ),
    ] = "DE"


class PaymentSettings(Struct, frozen=True, forbid_unknown_fields=True):
    commission_bp: Annotated[
        int, Meta(ge=0, le=5_000, description="Commission in basis points, for barbers without a rate of their own.")
    ] = 1_000
    deposit_within_min: Annotated[
        int, Meta(ge=5, le=1_440, description="A booking without its deposit expires after so many minutes.")
    ] = 15
    tax_bp: Annotated[
        int, Meta(ge=0, le=5_000, description="Tax included in prices, in basis points; 0 prints no tax on receipts.")
    ] = 0


class PayoutSettings(Struct, frozen=True, forbid_unknown_fields=True):
    hold_h: Annotated[
        int,
        Meta(ge=0, le=720, description="Money of a visit is paid out so many hours after the visit at the soonest."),
    ] = 48
    schedule: Annotated[
        Literal["daily", "weekly"], Meta(description="How often barbers are paid; weekly on Mondays.")
    ] = "weekly"
    minimum: Annotated[
        int, Meta(ge=1, le=10**8, description="Least amount of a payout in minor units; less is carried over.")
    ] = 1_000
