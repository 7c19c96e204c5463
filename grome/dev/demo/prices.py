"""Prices of the demo by currency."""

from random import Random
from typing import Final

from grome.common.money import decimal_of

# A plain haircut in a middling shop, in minor units. Rough on purpose, and no statistic: the demo's prices shall only
# look right to somebody who lives there.
HAIRCUT: Final = {
    "AED": 70_00,
    "ARS": 14_000_00,
    "AUD": 45_00,
    "AZN": 12_00,
    "BDT": 350_00,
    "BGN": 30_00,
    "BOB": 50_00,
    "BRL": 60_00,
    "CAD": 40_00,
    "CHF": 48_00,
    "CLP": 14_000,
    "CNY": 70_00,
    "COP": 35_000_00,
    "CZK": 500_00,
    "DKK": 320_00,
    "DOP": 500_00,
    "DZD": 600_00,
    "EGP": 200_00,
    "ETB": 300_00,
    "EUR": 28_00,
    "GBP": 24_00,
    "GEL": 35_00,
    "GHS": 60_00,
    "HKD": 220_00,
    "HUF": 6_500_00,
    "IDR": 60_000_00,
    "ILS": 90_00,
    "INR": 250_00,
    "IQD": 10_000_000,
    "ISK": 8_000,
    "JPY": 4_200,
    "KES": 800_00,
    "KRW": 25_000,
    "KWD": 4_000,
    "KZT": 4_000_00,
    "LKR": 1_200_00,
    "MAD": 60_00,
    "MXN": 220_00,
    "MYR": 35_00,
    "NGN": 5_000_00,
    "NOK": 480_00,
    "NPR": 300_00,
    "NZD": 45_00,
    "PEN": 35_00,
    "PHP": 300_00,
    "PKR": 800_00,
    "PLN": 80_00,
    "PYG": 50_000,
    "QAR": 50_00,
    "RON": 70_00,
    "RSD": 1_300_00,
    "RUB": 1_500_00,
    "SAR": 50_00,
    "SEK": 420_00,
    "SGD": 30_00,
    "THB": 300_00,
    "TND": 20_000,
    "TRY": 450_00,
    "TWD": 600_00,
    "TZS": 8_000_00,
    "UAH": 500_00,
    "UGX": 15_000,
    "USD": 38_00,
    "UYU": 600_00,
    "VND": 120_000,
    "XAF": 2_500,
    "XOF": 2_500,
    "ZAR": 180_00,
}


def price_level(rng: Random) -> float:
    """Return the price level of a shop, relative to the middle: about half to double."""
    return min(2.0, max(0.55, rng.lognormvariate(0, 0.25)))


def price_of(currency: str, haircuts: float) -> int:
    """Return a price in minor units, rounded to usual steps: 1 EUR, 100 JPY, 10 INR."""
    middling = HAIRCUT[currency]
    step: int = 10 ** (len(str(middling)) - 2)
    return max(1, round(middling * haircuts / step)) * step


def format_price(amount: int, currency: str) -> str:
    """'28.00 EUR', '4200 JPY'."""
    return f"{decimal_of(amount, currency):f} {currency}"
