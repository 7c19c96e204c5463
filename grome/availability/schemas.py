"""Define the query for free times."""

from datetime import date

from msgspec import Struct, field

from grome.common.clock import Instant
from grome.common.geo import Latitude, Longitude
from grome.scheduling.schemas import AddOnIds, ServiceIds


class SlotQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects local dates of the barber, services and the place of the visit."""

    first: date = field(name="from")
    """First date in the barber's zone, included."""
    last: date = field(name="to")
    """Last date in the barber's zone, included; at most 31 dates, or 7 with `explain`."""
    service_ids: ServiceIds
    """Comma-separated `service_id` of the barber's services, in the order of the visit."""
    add_on_ids: AddOnIds = []
    """Comma-separated ids of add-ons to these services."""
    lat: Latitude | None = None
    """Latitude of a house call, in degrees north; with `lng` only, omitted for the shop."""
    lng: Longitude | None = None
    """Longitude of a house call, in degrees east; with `lat` only."""
    explain: bool = False
    """Whether to list rejected starts too, each with the rule that rejects it."""
    at: Instant | None = None
    """Another start to explain; only with `explain`."""
