"""Define the query for free times."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct, field

from grome.common.clock import Instant
from grome.common.geo import Latitude, Longitude
from grome.scheduling.schemas import AddOnIds, ServiceIds


class SlotQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects local dates of the barber, first and last included: 31 at most, and 7 with `explain`.

    With `lat` and `lng`, the query is for a house call to this position. `at` is an additional start to explain.
    """

    first: date = field(name="from")
    last: date = field(name="to")
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []
    lat: Latitude | None = None
    lng: Longitude | None = None
    explain: Annotated[bool, Meta(description="Whether to list rejected starts with the rejecting rule.")] = False
    at: Instant | None = None
