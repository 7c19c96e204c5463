"""Stripe's test cards, and the behaviour of each."""

from dataclasses import dataclass
from typing import Final, Literal

from grome.dev.local_stripe.errors import Json, invalid


@dataclass(frozen=True)
class Decline:
    code: str
    decline_code: str
    message: str


GENERIC: Final = Decline("card_declined", "generic_decline", "Your card was declined.")
FUNDS: Final = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
AUTHENTICATION: Final = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


@dataclass(frozen=True)
class Card:
    """`authenticates`: when the bank asks for 3-D Secure; `on_session` cards never ask while the customer is away.

    `decline` comes after authentication. A card that `attaches` can be saved although its charges are declined.
    """

    number: str
    brand: str = "visa"
    decline: Decline | None = None
    attaches: bool = True
    authenticates: Literal["never", "unless_set_up", "on_session", "always"] = "never"
    dispute: Literal["fraudulent", "product_not_received", "inquiry"] | None = None
    warns: bool = False
    refund: Literal["succeeds", "pending", "fails"] = "succeeds"
    available_at_once: bool = False

    def asks(self, *, off_session: bool, set_up: bool) -> bool:
        """Return whether the bank wants authentication for a charge."""
        match self.authenticates:
            case "never":
                return False
            case "always":
                return True
            case "on_session":
                return not off_session
        return not (off_session and set_up)


def _declined(number: str, code: str, decline_code: str, message: str) -> Card:
    return Card(number, decline=Decline(code, decline_code, message), attaches=False)


_CARDS: Final = (
    Card("4242424242424242"),
    Card("5555555555554444", brand="mastercard"),
    Card("378282246310005", brand="amex"),
    Card("4000000000000002", decline=GENERIC, attaches=False),
    Card("4000000000009995", decline=FUNDS, attaches=False),
    _declined("4000000000009987", "card_declined", "lost_card", "Your card was declined."),
    _declined("4000000000009979", "card_declined", "stolen_card", "Your card was declined."),
    _declined("4000000000000069", "expired_card", "expired_card", "Your card has expired."),
    _declined("4000000000000127", "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    _declined(
        "4000000000000119",
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    Card("4000000000000341", decline=GENERIC),
    Card("4000002500003155", authenticates="unless_set_up"),
    Card("4000002760003184", authenticates="always"),
    Card("4000003800000446", authenticates="on_session"),
    Card("4000008260003178", authenticates="on_session", decline=FUNDS),
    Card("4000000000003220", authenticates="unless_set_up"),
    Card("4000008400001629", authenticates="unless_set_up", decline=GENERIC),
    Card("4000000000000259", dispute="fraudulent"),
    Card("4000000000002685", dispute="product_not_received"),
    Card("4000000000001976", dispute="inquiry"),
    Card("4000000000005423", warns=True),
    Card("4000000000007726", refund="pending"),
    Card("4000000000005126", refund="fails"),
    Card("4000000000000077", available_at_once=True),
)
CARDS: Final = {card.number: card for card in _CARDS}
# Names that stand for a new payment method with that card.
TOKENS: Final = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredSetupForOffSession": "4000003800000446",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_threeDSecureRequiredChargeDeclined": "4000008400001629",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
    "pm_card_createIssuerFraudRecord": "4000000000005423",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
    "pm_card_bypassPending": "4000000000000077",
}


def find_card(number: str) -> Card:
    """Return the card of a number. Raises the error of a live card, or of a wrong number."""
    digits = "".join(number.split())
    if digits in CARDS:
        return CARDS[digits]
    raise invalid("Your card number is incorrect: not a test card.", "incorrect_number", "number")


def card_of(method: Json) -> Card:
    return CARDS[method["_number"]]
