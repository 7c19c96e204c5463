"""The live part of the demo: a house call that both sides see as it happens."""

import asyncio
from datetime import datetime
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from grome.barbers.schemas import BarberOut, NearbyBarber, ProfileIn
from grome.bookings.models import Action
from grome.bookings.schemas import BookingIn, BookingOut, HouseCallIn
from grome.common.geo import LatLng
from grome.dev.demo.api_client import ApiClient, BrokenPromise
from grome.dev.demo.live_side import Data, LiveSide, connect_side
from grome.dev.demo.narrator import Narrator, expect, format_time
from grome.dev.demo.visits import accept_actions, agree, apply_action, list_free_slots, propose_now
from grome.live_client.items import RequestRefused

_RADIUS_KM: Final = 5.0
_HOME_NORTH: Final = 0.0027  # degrees, about 300 m
# Of the way that is left. No vehicle moves further between two positions, of which one in two seconds is used.
_REMAINING: Final = (1.0, 0.5, 0.0)
_PAUSE_S: Final = 0.25
_MAX_PAUSES: Final = 120


def tell_live_story(narrator: Narrator, customer: ApiClient, boss: ApiClient, barber: NearbyBarber) -> None:
    """Tell the story. The profile of the barber is as before in the end."""
    before = boss.request("GET", f"/v1/barbers/{barber.id}", BarberOut)
    _put_profile(boss, before, _RADIUS_KM)
    try:
        asyncio.run(_LiveStory(narrator, customer, boss, before).tell())
    except (RequestRefused, OSError) as fault:  # also a connection that is lost at a wrong moment
        raise BrokenPromise(f"The live connection fails: {fault}.") from fault
    finally:
        _put_profile(boss, before, before.service_radius_km)


class _LiveStory:
    """The chapters of the story, one method each. Requests go over HTTP; the other side sees them live."""

    def __init__(self, narrator: Narrator, customer: ApiClient, boss: ApiClient, barber: BarberOut) -> None:
        self._narrator, self._customer, self._boss, self._barber = narrator, customer, boss, barber
        self._home = LatLng(barber.location.lat + _HOME_NORTH, barber.location.lng)

    async def tell(self) -> None:
        async with connect_side(self._customer, "customer") as customer, connect_side(self._boss, "barber") as boss:
            booking = await self._book(customer, boss)
            await self._chat(booking, customer, boss)
            await self._travel(booking, customer, boss)
            await self._work(booking, customer)

    async def _book(self, customer: LiveSide, boss: LiveSide) -> BookingOut:
        self._narrator.chapter("Both sides are connected live, and the customer books a house call")
        booking = await asyncio.to_thread(self._request_visit)
        seen = await boss.see_event("booking.requested", booking.id)
        zone = ZoneInfo(self._barber.timezone)
        at = format_time(datetime.fromisoformat(seen["scheduled_at"]), zone)
        self._narrator.say(f"The barber sees: {', '.join(seen['service_names'])} on {at}")
        for side in (customer, boss):
            await side.join(f"booking:{booking.id}")
        for action in accept_actions(booking):
            await asyncio.to_thread(apply_action, self._boss, booking.id, action)
        told = "booking.accepted" if accept_actions(booking) else "booking.requested"
        await customer.see_event(told, booking.id, status="accepted")
        self._narrator.say("The customer sees: accepted")
        start = await asyncio.to_thread(propose_now, self._boss, booking)
        await customer.see_event("booking.time_proposed", booking.id)
        self._narrator.say(f"The customer sees: the barber can come at {format_time(start, zone)}, and agrees")
        await asyncio.to_thread(agree, self._customer, booking, start)
        return booking

    def _request_visit(self) -> BookingOut:
        offer = self._barber.services[0].service_id
        days = list_free_slots(self._customer, self._barber.id, offer, self._home).days
        start = next((slot.start for day in days for slot in day.slots), None)
        if start is None:
            raise BrokenPromise(f"{self._barber.name} has no time left for a house call; choose another --city.")
        call = HouseCallIn(self._home, "The red door, third floor")
        wanted = BookingIn(self._barber.id, [offer], start, house_call=call)
        key = str(uuid4())
        return self._customer.request("POST", "/v1/bookings", BookingOut, status=201, body=wanted, idempotency_key=key)

    async def _chat(self, booking: BookingOut, customer: LiveSide, boss: LiveSide) -> None:
        self._narrator.chapter("They write to each other")
        for writer, reader, name, text in (
            (customer, boss, "barber", "The bell is broken; please knock."),
            (boss, customer, "customer", "I will. On my way in a minute!"),
        ):
            sent = await writer.client.send(str(booking.id), text)
            seen = await reader.see_event("message.sent", booking.id, id=sent["id"])
            self._narrator.say(f"The {name} sees: {seen['text']}")
            await reader.client.read(str(booking.id), seen["id"])
            await writer.see_event("message.read", booking.id, message_id=sent["id"])

    async def _travel(self, booking: BookingOut, customer: LiveSide, boss: LiveSide) -> None:
        self._narrator.chapter("The barber is on the way, and the phone reports positions")
        path = f"/v1/bookings/{booking.id}/on-the-way"
        await asyncio.to_thread(self._boss.request, "POST", path, BookingOut)
        await customer.see_event("booking.on_the_way", booking.id)
        self._narrator.say("The customer sees: the barber is on the way")
        for remaining in _REMAINING:
            await self._report(booking, boss, remaining)
            seen = await customer.see_position()
            self._narrator.say(f"The customer sees: {seen['distance_m']:.0f} m away, there in {seen['eta_min']} min")
        expect(seen["arrived"], "the barber is at the door, and has not arrived")
        await customer.see_event("booking.arrived", booking.id)
        self._narrator.say("The customer sees: the barber has arrived")

    async def _report(self, booking: BookingOut, boss: LiveSide, remaining: float) -> Data:
        """Report a position until it is used, because at most one in two seconds is."""
        lat = self._home.lat - remaining * _HOME_NORTH
        for _ in range(_MAX_PAUSES):
            if used := await boss.client.where(str(booking.id), lat, self._home.lng):
                return used
            await asyncio.sleep(_PAUSE_S)
        raise BrokenPromise("A position of the barber is not used.")

    async def _work(self, booking: BookingOut, customer: LiveSide) -> None:
        self._narrator.chapter("The barber does the work at the customer's home")
        for action, told in ((Action.START, "booking.started"), (Action.COMPLETE, "booking.completed")):
            await asyncio.to_thread(apply_action, self._boss, booking.id, action)
            seen = await customer.see_event(told, booking.id)
            self._narrator.say(f"The customer sees: {seen['status']}")


def _put_profile(boss: ApiClient, profile: BarberOut, radius_km: float) -> None:
    wanted = ProfileIn(
        name=profile.name,
        location=profile.location,
        timezone=profile.timezone,
        currency=profile.currency,
        bio=profile.bio,
        neighbourhood=profile.neighbourhood,
        service_radius_km=radius_km,
    )
    read = boss.request("PUT", "/v1/barbers/me", BarberOut, body=wanted)
    expect(read.service_radius_km == radius_km, "the profile does not have the radius of house calls")
