"""Convert amounts between ISO 4217 minor units, which Grome stores, and the units of Stripe's API.

The tables follow Stripe's page on supported currencies, with its special cases and its minimum charges.
"""

from typing import Final

from grome.common.money import minor_digits

SUPPORTED: Final = frozenset({
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD", "BND",
    "BOB", "BRL", "BSD", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC", "CVE", "CZK", "DJF",
    "DKK", "DOP", "DZD", "EGP", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD",
    "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KRW", "KWD",
    "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MUR", "MVR",
    "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD",
    "SZL", "THB", "TJS", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VND", "VUV",
    "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW",
})  # fmt: skip
# Stripe's digits where they differ from ISO's.
_STRIPE_DIGITS: Final = {"ISK": 2, "UGX": 2, "MGA": 0}
# The smallest amount that Stripe charges, and of which every amount is a multiple, in Stripe's units.
_CHARGE_STEP: Final = {"ISK": 100, "UGX": 100, "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}
# Stripe pays out whole units only, though it charges hundredths.
_PAYOUT_STEP: Final = {"HUF": 100, "TWD": 100}
# In ISO minor units; Stripe converts others into the currency of settlement, and applies the minimum of that.
_MINIMUM_CHARGE: Final = {
    "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1_500, "DKK": 250, "EUR": 50, "GBP": 30,
    "HKD": 400, "HUF": 17_500, "INR": 50, "JPY": 50, "MXN": 1_000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200,
    "RON": 200, "SEK": 300, "SGD": 50, "THB": 1_000, "USD": 50,
}  # fmt: skip


class UnitsError(ValueError):
    """The amount has a digit that the currency does not have on the other side."""


def to_stripe(amount: int, currency: str) -> int:
    """Convert ISO minor units. Raises UnitsError if Stripe cannot charge this amount exactly."""
    converted = _shift(amount, currency, _stripe_digits(currency) - minor_digits(currency))
    if converted % _CHARGE_STEP.get(currency, 1):
        raise UnitsError(f"{amount} {currency} is no multiple of {charge_step(currency)}")
    return converted


def from_stripe(amount: int, currency: str) -> int:
    """Convert an amount of Stripe into ISO minor units. Raises UnitsError if a part of it would be lost."""
    return _shift(amount, currency, minor_digits(currency) - _stripe_digits(currency))


def charge_step(currency: str) -> int:
    """Return the granularity of charges and refunds, in ISO minor units."""
    step, digits = _CHARGE_STEP.get(currency, 1), minor_digits(currency) - _stripe_digits(currency)
    if digits >= 0:
        return step * int(10**digits)
    return max(1, step // int(10**-digits))


def payout_step(currency: str) -> int:
    """Return the granularity of payouts, in ISO minor units."""
    return max(charge_step(currency), _PAYOUT_STEP.get(currency, 1))


def floor_to_step(amount: int, step: int) -> int:
    """Round a positive amount down, and a negative one up, to a multiple of `step`: never away from zero."""
    return amount - amount % step if amount >= 0 else -floor_to_step(-amount, step)


def minimum_charge(currency: str) -> int:
    """Return the least amount of a charge in ISO minor units: by Stripe's list, or else one major unit."""
    major_unit: int = 10 ** minor_digits(currency)
    return _MINIMUM_CHARGE.get(currency, max(major_unit, charge_step(currency)))


def _stripe_digits(currency: str) -> int:
    return _STRIPE_DIGITS.get(currency, minor_digits(currency))


def _shift(amount: int, currency: str, digits: int) -> int:
    if digits >= 0:
        return amount * int(10**digits)
    whole, rest = divmod(amount, int(10**-digits))
    if rest:
        raise UnitsError(f"{amount} {currency} has digits that are lost in the conversion")
    return whole
