"""A booking from registration to completion, run against a running Grome; every response is checked."""

import secrets
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console

from grome.accounts.schemas import Login, Register, SignedIn, UserOut
from grome.barbers.schemas import NearbyBarber
from grome.bookings.errors import SlotTaken
from grome.bookings.models import Action, Status
from grome.bookings.schemas import BookingIn, BookingOut, HistoryOut
from grome.calendar_feeds.schemas import CalendarOut
from grome.dev.demo.api_client import ApiClient, BrokenPromise
from grome.dev.demo.cities import City, find_cities
from grome.dev.demo.live_story import tell_live_story
from grome.dev.demo.narrator import Narrator, expect, format_time
from grome.dev.demo.paid_story import tell_paid_story
from grome.dev.demo.people import demo_email_of
from grome.dev.demo.prices import format_price
from grome.dev.demo.visits import (
    accept_actions,
    agree,
    apply_action,
    iter_bookings,
    list_free_slots,
    propose_now,
)
from grome.dev.demo_accounts.models import DEMO_PASSWORD, DOMAIN
from grome.infrastructure.http.responses import Problem
from grome.nearby.schemas import NearbyPage
from grome.scheduling.schemas import SlotOut, SlotsOut

_MAX_SHOWN: Final = 5


def run_scenario(url: str, city_name: str, console: Console) -> int:
    """Run the scenario and print its steps; return 0, or 1 after a sentence about the first failure.

    Raises Invalid for an unknown city.
    """
    (city,) = find_cities([city_name])
    try:
        with httpx.Client(base_url=url, timeout=15) as http:
            _Scenario(http, console).run(city)
    except BrokenPromise as broken:
        return _report_failure(console, str(broken))
    except httpx.InvalidURL as fault:
        return _report_failure(console, f"{url} is not an address of a server ({fault})")
    except httpx.TransportError as fault:
        return _report_failure(
            console, f"Nothing at {url} answers as a server ({fault}); is `grome run` running there?"
        )
    console.print("\nAll was as promised.", style="green")
    return 0


def _report_failure(console: Console, sentence: str) -> int:
    console.print(f"grome demo: {sentence}", style="red", markup=False, soft_wrap=True)
    return 1


class _Scenario:
    """The steps of the scenario, one method each, in the order of their calls."""

    def __init__(self, http: httpx.Client, console: Console) -> None:
        self._http, self._narrator = http, Narrator(console)
        http.event_hooks = {"response": [self._narrator.log_response]}

    def run(self, city: City) -> None:
        customer = self._register("A customer opens an account")
        barber, slots = self._choose_barber(self._search_nearby(customer, city))
        zone = ZoneInfo(slots.timezone)
        booking = self._book(customer, barber, slots)
        self._refuse_a_second(barber, booking)
        boss = self._accept(barber, booking, zone)
        self._reschedule(boss, customer, booking, zone)
        self._work(boss, booking)
        self._read_history(customer, booking, zone)
        self._subscribe(customer, booking)
        tell_live_story(self._narrator, customer, boss, barber)
        tell_paid_story(self._http, self._narrator, customer, boss, barber)

    def _register(self, chapter: str) -> ApiClient:
        self._narrator.chapter(chapter)
        wanted = Register(
            email=f"visitor-{secrets.token_hex(6)}@{DOMAIN}", password=secrets.token_urlsafe(16), name="Demo visitor"
        )
        signed_in = ApiClient(self._http).request("POST", "/v1/auth/register", SignedIn, status=201, body=wanted)
        visitor = ApiClient(self._http, signed_in.access_token)
        expect(
            visitor.request("GET", "/v1/me", UserOut) == signed_in.user, "the new account is not the one that signed in"
        )
        self._narrator.say(f"{wanted.email} is signed in")
        return visitor

    def _search_nearby(self, customer: ApiClient, city: City) -> list[NearbyBarber]:
        self._narrator.chapter(f"Barbers near the centre of {city.name}")
        around: dict[str, str | float] = {"lat": city.latitude, "lng": city.longitude, "radius_km": 10, "limit": 50}
        barbers = customer.request("GET", "/v1/barbers/nearby", NearbyPage, params=around).items
        distances = [barber.distance_m for barber in barbers]
        expect(bool(barbers), f"nobody is near {city.name}; `grome seed` adds demo barbers to cities")
        expect(distances == sorted(distances), "the barbers do not come nearest first")
        for barber in barbers[:_MAX_SHOWN]:
            prices = ", ".join(
                f"{offer.name} {format_price(offer.price, offer.currency)}" for offer in barber.services[:2]
            )
            self._narrator.say(f"{barber.distance_m:5.0f} m  {barber.name}: {prices}")
        return barbers

    def _choose_barber(self, barbers: list[NearbyBarber]) -> tuple[NearbyBarber, SlotsOut]:
        self._narrator.chapter("The nearest barber with a free time in the coming days")
        for barber in barbers:
            if demo_email_of(barber.name) is None:  # not a demo barber, so the demo cannot sign in as the barber
                continue
            slots = list_free_slots(ApiClient(self._http), barber.id, barber.services[0].service_id)
            times = [slot.start for day in slots.days for slot in day.slots]
            if times:
                self._narrator.say(f"{barber.name} has {len(times)} times for {barber.services[0].name}, among them")
                for start in times[:: max(1, len(times) // _MAX_SHOWN)][:_MAX_SHOWN]:
                    self._narrator.say(f"  {format_time(start, ZoneInfo(slots.timezone))}")
                return barber, slots
        raise BrokenPromise("No demo barber here has a free time in the coming days; choose another --city.")

    def _book(self, customer: ApiClient, barber: NearbyBarber, slots: SlotsOut) -> BookingOut:
        # At random, so that two runs of the demo at a time seldom want the same slot.
        slot = secrets.choice([slot for day in slots.days for slot in day.slots])
        self._narrator.chapter(
            f"The customer books {format_time(slot.start, ZoneInfo(slots.timezone))}, and repeats the request"
        )
        offer = barber.services[0]
        wanted, key = BookingIn(barber.id, [offer.service_id], slot.start), str(uuid4())
        first, again = (
            customer.request("POST", "/v1/bookings", BookingOut, status=201, body=wanted, idempotency_key=key)
            for _ in range(2)
        )
        expect(SlotOut(first.scheduled_at, first.ends_at) == slot, "the booking is not for the time that was offered")
        expect(
            (first.price, first.currency) == (offer.price, offer.currency), "the price is not the one that was shown"
        )
        expect(first == again, "the repeated request did not get the first answer again")
        self._narrator.say(
            f"Both answers are booking {first.id}: {first.status}, {format_price(first.price, first.currency)}"
        )
        return first

    def _refuse_a_second(self, barber: NearbyBarber, booking: BookingOut) -> None:
        rival = self._register("A second customer opens an account")
        self._narrator.chapter("The second customer wants the same time")
        offered = [
            slot.start
            for day in list_free_slots(ApiClient(self._http), barber.id, barber.services[0].service_id).days
            for slot in day.slots
        ]
        expect(booking.scheduled_at not in offered, "the time that was taken is still offered")
        wanted = BookingIn(barber.id, [service.service_id for service in booking.services], booking.scheduled_at)
        problem = rival.request("POST", "/v1/bookings", Problem, status=SlotTaken.status, body=wanted)
        expect(problem.code == SlotTaken.code, f"the refusal is {problem.code}, not {SlotTaken.code}")
        self._narrator.say(f"No longer offered, and refused with {problem.code}: {problem.title}")

    def _accept(self, barber: NearbyBarber, booking: BookingOut, zone: ZoneInfo) -> ApiClient:
        self._narrator.chapter("The barber signs in and finds the booking")
        login = Login(email=demo_email_of(barber.name), password=DEMO_PASSWORD)
        signed_in = ApiClient(self._http).request("POST", "/v1/auth/login", SignedIn, body=login)
        expect(signed_in.user.id == barber.id, f"{login.email} is not the account of {barber.name}")
        boss = ApiClient(self._http, signed_in.access_token)
        expect(booking in iter_bookings(boss, booking.status), "the booking is not in the barber's list")
        self._narrator.say(f"{login.email} sees it on {format_time(booking.scheduled_at, zone)}")
        self._apply_actions(boss, booking, accept_actions(booking))
        return boss

    def _reschedule(self, boss: ApiClient, customer: ApiClient, booking: BookingOut, zone: ZoneInfo) -> None:
        self._narrator.chapter("The barber has time now and asks the customer to come at once")
        start = propose_now(boss, booking)
        self._narrator.say(f"Proposed: {format_time(start, zone)}; until the customer agrees, both times are held")
        agree(customer, booking, start)
        self._narrator.say("The customer agrees")

    def _work(self, boss: ApiClient, booking: BookingOut) -> None:
        self._narrator.chapter("The barber does the work")
        self._apply_actions(boss, booking, [Action.START, Action.COMPLETE])

    def _apply_actions(self, boss: ApiClient, booking: BookingOut, actions: list[Action]) -> None:
        for action in actions:
            self._narrator.say(f"{action}: {apply_action(boss, booking.id, action).status}")

    def _read_history(self, customer: ApiClient, booking: BookingOut, zone: ZoneInfo) -> None:
        self._narrator.chapter("The customer reads what happened")
        read = customer.request("GET", f"/v1/bookings/{booking.id}", BookingOut)
        history = customer.request("GET", f"/v1/bookings/{booking.id}/history", HistoryOut).items
        expect(read.status is Status.COMPLETED, f"the booking is {read.status}, not completed")
        told = [entry.action for entry in history]
        agreed = [Action.PROPOSE, Action.RESCHEDULE]
        done = [Action.CREATE, *accept_actions(booking), *agreed, Action.START, Action.COMPLETE]
        expect(told == done, f"the history tells of {', '.join(told)}")
        expect(read.version == len(history), "the version does not count the history's entries")
        for entry in history:
            self._narrator.say(
                f"{entry.version}  {format_time(entry.at, zone)}  {entry.action} by {entry.by}: {entry.status}"
            )

    def _subscribe(self, customer: ApiClient, booking: BookingOut) -> None:
        self._narrator.chapter("The customer's calendar app subscribes to their visits")
        url = customer.request("GET", "/v1/me/calendar", CalendarOut).url
        feed = self._http.get(urlsplit(url or "").path)  # the public address may differ from the demo's --url
        expect(feed.status_code == HTTPStatus.OK, f"the calendar feed answers {feed.status_code}")
        expect(f"UID:{booking.id}@grome\r\n" in feed.text, "the booking is not in the customer's calendar")
        self._narrator.say(
            f"{feed.text.count('BEGIN:VEVENT')} visit in {len(feed.content)} bytes of {feed.headers['content-type']}"
        )
