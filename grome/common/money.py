"""Money: an integer in minor units (cents) beside an ISO 4217 code. Never a float."""

from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Annotated, Final

from msgspec import Meta

from grome.common.field_faults import FAULT
from grome.common.text import END

# Ten million in major units: far above any haircut, far below what BSON and JSON carry exactly. It bounds sums too,
# such as the price of a visit: code that adds amounts refuses a larger sum (`barbers/service.py`).
MOST_AMOUNT: Final = 10**9
Amount = Annotated[int, Meta(ge=0, le=MOST_AMOUNT, description="Minor units of the currency, e.g. cents.")]
Currency = Annotated[
    str,
    Meta(
        pattern="^[A-Z]{3}" + END,
        extra={FAULT: "is not a currency of three capital letters (ISO 4217), such as EUR"},
        description="Code of a currency of ISO 4217; no funds, metals or test codes.",
        examples=["EUR"],
    ),
]

NO_CURRENCY: Final = "is not a currency of ISO 4217"
_USUAL_DIGITS: Final = 2


@cache
def currencies_in_use() -> frozenset[str]:
    """Return the codes of ISO 4217, without funds, metals, units of account and test codes."""
    return frozenset(_digits_by_code())


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
    """How many digits of an amount stand behind the decimal point; two for a code that the standard has dropped."""
    return _digits_by_code().get(currency, _USUAL_DIGITS)


@cache
def _digits_by_code() -> dict[str, int]:
    """Load the tables of the standard at the first call: that takes 30 ms, and few processes need it."""
    from iso4217 import Currency as Listed  # noqa: PLC0415
    from iso4217 import raw_xml  # noqa: PLC0415

    funds = {entry.findtext("Ccy") for entry in raw_xml.iter("CcyNtry") if entry.find("CcyNm[@IsFund]") is not None}
    # Metals, units of account and the codes for tests have no minor units.
    return {each.code: each.exponent for each in Listed if each.exponent is not None and each.code not in funds}


def decimal_of(amount: int, currency: str) -> Decimal:
    """Minor units as the currency is written: 1250 EUR is 12.50, 1250 JPY is 1250."""
    return Decimal(amount).scaleb(-minor_digits(currency))
