"""Delete the position of a barber when the visit begins, ends, or gets another time."""

from collections.abc import Sequence
from typing import Final

from grome.infrastructure.outbox.models import Event, EventType
from grome.tracking.service import TrackingService

_ENDS: Final = frozenset(
    {
        EventType.BOOKING_STARTED,
        EventType.BOOKING_COMPLETED,
        EventType.BOOKING_CANCELLED,
        EventType.BOOKING_EXPIRED,
        EventType.BOOKING_NO_SHOW,
        EventType.BOOKING_RESCHEDULED,
        EventType.BOOKING_ON_THE_WAY_ENDED,
    }
)


class TripSubscriber:
    def __init__(self, tracking: TrackingService) -> None:
        self._tracking = tracking

    async def handle(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.type in _ENDS:
                await self._tracking.close(event.subject_id, event.version)
            elif event.type is EventType.BOOKING_DELAYED:
                await self._tracking.refresh(event.subject_id)
