"""Customers that book offered times, some of them the same times, and check their bookings.

locust -f locustfiles/booking.py --headless -u 50 -r 10 -t 60s --host http://127.0.0.1:8000
"""

import random
import secrets
from collections import defaultdict
from typing import Final
from uuid import UUID

from customers import DAYS, Customer, Wish, booking_ask
from locust import between, task
from people import Ask
from promises import Booking, hold

KEPT: Final = 3  # bookings of one customer; those before are cancelled, so that a long run does not fill the city
NEXT_TIMES: Final = 3  # the service that all request from the favourite barber


class Booker(Customer):
    # To read a list of times, and to think of the next visit.
    wait_time = between(1, 3)

    def arrive(self) -> None:
        super().arrive()
        self.mine: list[Booking] = []

    # Most bookings meet no rival; one in five is a race for the next times of the one barber nearest to the centre.
    @task(4)
    def book_somebody(self) -> None:
        if wishes := self.free_times(random.choice(self.known), begin_in=random.randrange(DAYS)):
            self.take(random.choice(wishes))

    @task(1)
    def book_the_favourite(self) -> None:
        if wishes := self.free_times(self.known[0], begin_in=0):
            self.take(random.choice(wishes[:NEXT_TIMES]))

    def take(self, wish: Wish) -> None:
        self.wait()  # type: ignore[no-untyped-call]  # between the list and the button others are as fast
        key = secrets.token_urlsafe(16)
        booking = self.book(wish, key)
        self.mine.append(booking)
        for holder, other in HELD.claim(self, booking):
            holder.expect_ended(other)
        # Any of these would double the load if all did it; a third each is plenty to see what does not hold.
        match random.randrange(3):
            case 0:
                self.book_again(wish, key, booking)
            case 1:
                self.read(booking)
            case _:
                self.find_in_list(booking)
        if len(self.mine) > KEPT:
            oldest = self.mine.pop(0)
            HELD.release(oldest)
            self.cancel(oldest)

    def book_again(self, wish: Wish, key: str, first: Booking) -> None:
        """Repeat the request, like an app that lost the first response, and expect the same response."""
        ask = booking_ask(wish, key, "/v1/bookings (same key again)")
        with self.asking(ask, Booking) as again:
            hold(again == first, "a repeat under the same key got another answer", (first, again))

    def expect_ended(self, booking: Booking) -> None:
        """Somebody else was given a time of this booking."""
        ask = Ask("GET", f"/v1/bookings/{booking.id}", "/v1/bookings/{id} (overlap)")
        with self.asking(ask, Booking) as found:
            # One that was completed before its time has freed the rest of it.
            hold(found.status in {"cancelled", "completed"}, "two bookings of one barber overlap", found)


class Held:
    """The bookings that customers of this process hold, by barber."""

    def __init__(self) -> None:
        self._by_barber: dict[UUID, dict[UUID, tuple[Booker, Booking]]] = defaultdict(dict)

    def claim(self, customer: Booker, booking: Booking) -> list[tuple[Booker, Booking]]:
        """Add a booking, and return overlapping bookings with their customers."""
        held = self._by_barber[booking.barber_id]
        overlapping = [
            (holder, other)
            for holder, other in held.values()
            if other.scheduled_at < booking.ends_at and booking.scheduled_at < other.ends_at
        ]
        held[booking.id] = (customer, booking)
        return overlapping

    def release(self, booking: Booking) -> None:
        """Before it is cancelled, because its time may be somebody else's before the answer is here."""
        del self._by_barber[booking.barber_id][booking.id]


HELD = Held()
