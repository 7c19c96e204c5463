"""Steps of a visit that several chapters of the demo share."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from grome.barbers.schemas import BarberOut
from grome.bookings.models import Action, Status
from grome.bookings.schemas import BookingOut, BookingPage, ProposalAnswerIn, RescheduleIn
from grome.common.geo import LatLng
from grome.dev.demo.api_client import ApiClient
from grome.dev.demo.narrator import expect
from grome.scheduling.schemas import SlotsOut

_DAYS_AHEAD: Final = 7
_STEP_MIN: Final = 5
_LEAD: Final = timedelta(minutes=5)
_GAP: Final = timedelta(minutes=15)
_TRAVEL: Final = timedelta(minutes=20)
_RESULTING_STATUS: Final = {
    Action.ACCEPT: Status.ACCEPTED,
    Action.START: Status.IN_PROGRESS,
    Action.COMPLETE: Status.COMPLETED,
}


def list_free_slots(visitor: ApiClient, barber_id: UUID, service_id: UUID, home: LatLng | None = None) -> SlotsOut:
    """List the free times of the coming days for a service, of house calls if there is a home."""
    zone = ZoneInfo(visitor.request("GET", f"/v1/barbers/{barber_id}", BarberOut).timezone)
    today = datetime.now(zone).date()
    wanted: dict[str, str | float] = {
        "from": today.isoformat(),
        "to": (today + timedelta(days=_DAYS_AHEAD - 1)).isoformat(),
        "service_ids": str(service_id),
    }
    if home:
        wanted |= {"lat": home.lat, "lng": home.lng}
    return visitor.request("GET", f"/v1/barbers/{barber_id}/slots", SlotsOut, params=wanted)


def apply_action(boss: ApiClient, booking_id: UUID, action: Action) -> BookingOut:
    """Apply an action of the barber, and check the resulting status."""
    moved = boss.request("POST", f"/v1/bookings/{booking_id}/{action}", BookingOut)
    expect(moved.status is _RESULTING_STATUS[action], f"after {action} the booking is {moved.status}")
    return moved


def accept_actions(booking: BookingOut) -> list[Action]:
    """Return the actions that confirm a booking; none if the barber accepts bookings automatically."""
    return [Action.ACCEPT] if booking.status is Status.REQUESTED else []


def propose_now(boss: ApiClient, booking: BookingOut) -> datetime:
    """Propose the next free time, since a visit can only be started shortly before its time."""
    travel = _TRAVEL if booking.house_call else timedelta()
    start = _next_start(boss, booking.ends_at - booking.scheduled_at, travel)
    path = f"/v1/bookings/{booking.id}/reschedule"
    proposed = boss.request("POST", path, BookingOut, body=RescheduleIn(start))
    expect(proposed.proposal is not None, "nothing is proposed to the customer")
    return start


def agree(customer: ApiClient, booking: BookingOut, start: datetime) -> None:
    """Accept the proposed start as the customer."""
    path = f"/v1/bookings/{booking.id}/proposal/accept"
    agreed = customer.request("POST", path, BookingOut, body=ProposalAnswerIn())
    expect(agreed.scheduled_at == start, "the booking does not have the time that both agreed to")


def iter_bookings(visitor: ApiClient, status: Status) -> Iterator[BookingOut]:
    params: dict[str, str | float] = {"status": status, "limit": 100}
    while True:
        page = visitor.request("GET", "/v1/bookings", BookingPage, params=params)
        yield from page.items
        if page.next_cursor is None:
            return
        params["cursor"] = page.next_cursor


def _next_start(boss: ApiClient, duration: timedelta, travel: timedelta) -> datetime:
    """Return the first start with a wide gap for buffers and for travel around it."""
    gap = _GAP + travel
    open_states = (Status.REQUESTED, Status.ACCEPTED, Status.IN_PROGRESS)
    upcoming = chain.from_iterable(iter_bookings(boss, status) for status in open_states)
    taken = [(visit.scheduled_at, visit.ends_at) for visit in upcoming]
    start = datetime.now(UTC).replace(second=0, microsecond=0) + _LEAD + travel
    start += timedelta(minutes=-start.minute % _STEP_MIN)
    while any(begin - gap < start + duration and start < end + gap for begin, end in taken):
        start += timedelta(minutes=_STEP_MIN)
    return start
