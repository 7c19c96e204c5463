"""Money: an integer in minor units (cents) beside an ISO 4217 code. Never a float."""

from typing import Annotated

from msgspec import Meta

from grome.common.text import END

# Ten million in major units: far above any haircut, far below what BSON and JSON carry exactly.
Amount = Annotated[int, Meta(ge=0, le=10**9, description="Minor units of the currency, e.g. cents.")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}" + END, description="ISO 4217 code.", examples=["EUR"])]
