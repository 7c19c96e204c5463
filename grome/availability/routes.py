"""`/v1/barbers/{barber_id}/slots`."""

from uuid import UUID

from sanic import Request

from grome.availability.schemas import SlotQuery
from grome.availability.service import AvailabilityService
from grome.common.actor import ANYONE
from grome.common.errors import NotFound
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.scheduling.schemas import SlotsOut

availability = Routes(
    "availability", "/v1/barbers", about="The free start times of a barber. A listed time can be booked."
)


@availability.get("/{barber_id}/slots", who=ANYONE, limit=LimitClass.SEARCH, refusals=(NotFound,))
async def free_times(request: Request, barber_id: UUID, query: SlotQuery) -> SlotsOut:
    """List the free start times of a barber for some services.

    The times are grouped by the barber's local dates. A listed time can be booked until another booking takes it; no
    other time can be booked. With `explain`, each date also lists the starts that cannot be booked, in steps from
    midnight and from each opening, with the first rule that rejects each start.
    """
    return await resolve(request, AvailabilityService).list_slots(barber_id, query)
