"""Money: an integer in minor units (cents) beside an ISO 4217 code. Never a float."""

from decimal import Decimal
from typing import Annotated, Final

from msgspec import Meta

from grome.common.text import END

# Ten million in major units: far above any haircut, far below what BSON and JSON carry exactly.
Amount = Annotated[int, Meta(ge=0, le=10**9, description="Minor units of the currency, e.g. cents.")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}" + END, description="ISO 4217 code.", examples=["EUR"])]

# ISO 4217, list one: currencies whose minor unit is not a hundredth. CLDR, and with it Babel, has other figures for
# some, by what is seen in shops; amounts are kept by ISO's.
_DIGITS: Final = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(),  # noqa: SIM905
        0,
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),  # noqa: SIM905
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def decimal_of(amount: int, currency: str) -> Decimal:
    """Minor units as the currency is written: 1250 EUR is 12.50, 1250 JPY is 1250."""
    return Decimal(amount).scaleb(-_DIGITS.get(currency, 2))
