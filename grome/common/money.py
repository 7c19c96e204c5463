"""Money: an integer in minor units (cents) beside an ISO 4217 code. Never a float."""

from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Annotated, Final

from msgspec import Meta

from grome.common.text import END

# Ten million in major units: far above any haircut, far below what BSON and JSON carry exactly. It bounds sums too,
# such as the price of a visit: code that adds amounts refuses a larger sum (`barbers/service.py`).
MOST_AMOUNT: Final = 10**9
Amount = Annotated[int, Meta(ge=0, le=MOST_AMOUNT, description="Minor units of the currency, e.g. cents.")]
Currency = Annotated[
    str,
    Meta(
        pattern="^[A-Z]{3}" + END,
        description="ISO 4217 code of a currency that is legal tender somewhere today; no funds, metals or test codes.",
        examples=["EUR"],
    ),
]

NO_CURRENCY: Final = "is not the ISO 4217 code of a currency in use"

# ISO 4217's minor units of circulating currencies without two digits. The tables of CLDR, which Babel has, are no
# substitute: they give the digits usually shown, and show no fils of the Iraqi dinar or qindarka of the lek.
_NO_DIGITS: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE_DIGITS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


@cache
def currencies_in_use() -> frozenset[str]:
    """Return the codes of all currencies that are legal tender somewhere today, by CLDR's table of territories."""
    return frozenset(code for country in _tenders() for code in currencies_of(country))


def currencies_of(country: str) -> frozenset[str]:
    """Return the codes that are legal tender today in a country of ISO 3166; empty for an unknown country."""
    tenders = _tenders().get(country, [])
    return frozenset(code for code, _, given_up, is_tender in tenders if given_up is None and is_tender)


@cache
def _tenders() -> dict[str, list[tuple[str, object, object, bool]]]:
    """Load CLDR's table at the first call, because few processes need it."""
    table: dict[str, list[tuple[str, object, object, bool]]] = import_module("babel.core").get_global(
        "territory_currencies"
    )
    return table


def minor_digits(currency: str) -> int:
    """How many digits of an amount stand behind the decimal point."""
    return 0 if currency in _NO_DIGITS else 3 if currency in _THREE_DIGITS else 2


def decimal_of(amount: int, currency: str) -> Decimal:
    """Minor units as the currency is written: 1250 EUR is 12.50, 1250 JPY is 1250."""
    return Decimal(amount).scaleb(-minor_digits(currency))
