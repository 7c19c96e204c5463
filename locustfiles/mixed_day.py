"""A day in a city: customers search, book and cancel; barbers open shops and work on bookings.

locust -f locustfiles/mixed_day.py --headless -u 50 -r 10 -t 60s --host http://127.0.0.1:8000
"""

import random
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from customers import DAYS, MOST, Customer, first_look, search_ask
from locust import between, task
from people import Ask, Person
from places import anywhere, at_a_corner
from promises import (
    Booking,
    BookingPage,
    History,
    NearbyBarber,
    NearbyPage,
    Profile,
    Search,
    check_history,
    check_moved,
    check_page,
    hold,
)

AT_HAND: Final = 3  # customers compare so many of the nearest
FRESH_S: Final = 1.0  # after a change of a barber every answer shows it
BUSY_CORNERS: Final = 0.8  # the share of looks that come from there: where people are, they look
DECLINED: Final = 0.1  # the share of requests
URGENT: Final = 0.5  # the share of customers who want the next free times
SOON: Final = 3  # they pass over so many, which are gone when they have thought
EARLY: Final = timedelta(minutes=115)
DAY = {"is_available": True, "start_time": "00:00", "end_time": "24:00"}
ALWAYS_OPEN = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), DAY)


class Visitor(Customer):
    # Nine customers to a barber: enough work for each barber to be seen, few enough barbers to meet rivals.
    weight = 9
    # Somebody who reads what is on the screen. The barbers below look at theirs between two heads.
    wait_time = between(2, 8)

    def arrive(self) -> None:
        super().arrive()
        self.at_hand: list[NearbyBarber] = self.known[:AT_HAND]
        self.mine: list[Booking] = []

    # Twenty tasks: out of ten looks come four comparisons of times and two bookings; of those one in two is called
    # off, which is more than real people do, so that a long run does not fill the city.
    @task(10)
    def look(self) -> None:
        point = at_a_corner(self.centre) if random.random() < BUSY_CORNERS else anywhere(self.centre)
        search, page = self.look_around(point, "map")
        if offering := [barber for barber in page.items if barber.services]:
            self.at_hand = offering[:AT_HAND]
        if page.next_cursor and random.random() < 1 / 4:  # most find somebody on the first page
            self.scroll(search, page)

    @task(4)
    def compare_times(self) -> None:
        for barber in self.at_hand:
            self.free_times(barber, begin_in=random.randrange(DAYS))

    @task(2)
    def take_a_time(self) -> None:
        """Half of them come as soon as they can: those are the visits that barbers serve while the test runs."""
        is_urgent = random.random() < URGENT
        begin_in = 0 if is_urgent else random.randrange(DAYS)
        if wishes := self.free_times(random.choice(self.at_hand), begin_in=begin_in):
            self.wait()  # type: ignore[no-untyped-call]
            wish = wishes[min(SOON, len(wishes) - 1)] if is_urgent else random.choice(wishes)
            self.mine.append(self.book(wish, secrets.token_urlsafe(16)))

    @task(3)
    def look_back(self) -> None:
        if self.mine:
            booking = random.choice(self.mine)
            self.find_in_list(booking)
            self.read(booking)

    @task(1)
    def call_off(self) -> None:
        if self.mine:
            booking = self.mine.pop(0)
            if booking.scheduled_at > datetime.now(UTC) + timedelta(minutes=1):  # nobody calls off what has begun
                self.cancel(booking)


class Barber(Person):
    """Opens a shop at a busy corner with the services of another barber, and works there."""

    weight = 1
    role = "barber"
    wait_time = between(2, 6)  # one look at the phone between two heads

    def arrive(self) -> None:
        colleague = self.some_colleague()
        self.place = at_a_corner(self.centre)
        profile = {
            "name": "Load test",
            "location": self.place,
            "timezone": colleague.timezone,
            "currency": colleague.currency,
        }
        self.change("", profile)
        keys = ("service_id", "price", "duration_min")
        offers = [{key: getattr(offer, key) for key in keys} for offer in colleague.services]
        self.change("/services", {"services": offers})
        self.change("/hours", ALWAYS_OPEN)
        self.change("/rules", {"min_notice_min": 0, "horizon_days": 30})
        self.is_online = self.change("/online", {"is_online": True}).is_online

    # Barbers mostly answer and serve; one task in ten is leaving or coming back.
    @task(5)
    def answer_requests(self) -> None:
        for booking in self.bookings("requested")[:AT_HAND]:
            declined = random.random() < DECLINED
            self.move(booking, *(("decline", "cancelled") if declined else ("accept", "accepted")))

    @task(4)
    def serve_the_next(self) -> None:
        """A visit may begin up to two hours before its time."""
        latest = datetime.now(UTC) + EARLY
        if due := [one for one in self.bookings("accepted") if one.scheduled_at < latest]:
            begun = self.move(due[-1], "start", "in_progress")
            self.wait()  # type: ignore[no-untyped-call]
            done = self.move(begun, "complete", "completed")
            ask = Ask("GET", f"/v1/bookings/{done.id}/history", "/v1/bookings/{id}/history")
            with self.asking(ask, History) as told:
                check_history(done, told)

    @task(1)
    def leave_or_come_back(self) -> None:
        self.is_online = self.change("/online", {"is_online": not self.is_online}).is_online
        time.sleep(FRESH_S)  # others go on: Locust replaces it by gevent's
        here = Search(lat=self.place.lat, lng=self.place.lng, radius_km=0.5, limit=MOST)
        with self.asking(search_ask(here, "a barber's own corner"), NearbyPage) as page:
            check_page(here, page)
            shown = [barber.is_online for barber in page.items if barber.id == self.id]
            hold(shown == [self.is_online], f"a barber's change does not show after {FRESH_S:.0f} s", (self.id, page))

    def some_colleague(self) -> Profile:
        model = random.choice(first_look(self))
        with self.asking(Ask("GET", f"/v1/barbers/{model.id}", "/v1/barbers/{id}"), Profile) as profile:
            hold(profile.services == model.services, "a profile and nearby tell of different offers", (profile, model))
        return profile

    def change(self, part: str, wanted: object) -> Profile:
        """Replace a part of the own profile; the answer is the whole."""
        path = f"/v1/barbers/me{part}"
        with self.asking(Ask("PUT", path, path, wanted), Profile) as profile:
            hold(profile.id == self.id, "the profile is another barber's", profile)
            hold(profile.location == self.place, "the profile is at another place", profile)
        return profile

    def bookings(self, status: str) -> list[Booking]:
        """Latest start first, as far as one page goes."""
        with self.asking(Ask("GET", f"/v1/bookings?status={status}", "/v1/bookings (a barber's)"), BookingPage) as page:
            for booking in page.items:
                hold(booking.barber_id == self.id, "a barber sees another's booking", booking)
                hold(booking.status == status, "a booking does not fit the filter", booking)
        return page.items

    def move(self, booking: Booking, step: str, status: str) -> Booking:
        """Unless its customer has called it off meanwhile."""
        name = f"/v1/bookings/{{id}}/{step}"
        body: object = {} if step == "decline" else None
        ask = Ask("POST", f"/v1/bookings/{booking.id}/{step}", name, body, lost="wrong_state")
        with self.asking(ask, Booking) as moved:
            check_moved(booking, status, moved)
        return moved
