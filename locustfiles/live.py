"""A day in a city with open apps: customers and barbers are connected live, and write to each other.

locust -f locustfiles/live.py --headless -u 50 -r 10 -t 60s --host http://127.0.0.1:8000
"""

import random

import mixed_day
from customers import Wish
from live_people import LivePerson
from locust import task
from promises import Booking


class Visitor(LivePerson, mixed_day.Visitor):
    weight = 9

    @task(4)
    def write_to_a_barber(self) -> None:
        if self.mine:
            self.write(str(random.choice(self.mine).id))

    def book(self, wish: Wish, key: str) -> Booking:
        booking = super().book(wish, key)
        self.tell(booking)
        self.watch(booking)
        return booking

    def cancel(self, booking: Booking) -> Booking:
        ended = super().cancel(booking)
        self.tell(ended)
        return ended


class Barber(LivePerson, mixed_day.Barber):
    weight = 1

    def own_rooms(self) -> list[str]:
        return [f"shop:{self.id}"]

    def move(self, booking: Booking, step: str, status: str) -> Booking:
        moved = super().move(booking, step, status)
        self.tell(moved)
        if step == "accept":
            self.watch(moved)
        return moved
