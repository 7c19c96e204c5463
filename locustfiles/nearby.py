"""Customers that search for a barber from busy and from random places, page on, and filter the results.

locust -f locustfiles/nearby.py --headless -u 50 -r 10 -t 60s --host http://127.0.0.1:8000
"""

import random

from customers import Customer
from locust import between, task
from places import anywhere, at_a_corner


class Browser(Customer):
    # Between two moves of a map. -u is what sets the load: 50 of them ask about 60 times a second.
    wait_time = between(0.5, 1.5)

    # The first two are equally frequent, so that their rows compare: a cache of positions would answer only one fast.
    @task(4)
    def look_from_a_busy_corner(self) -> None:
        self.look_around(at_a_corner(self.centre), "busy corner")

    @task(4)
    def look_from_anywhere(self) -> None:
        self.look_around(anywhere(self.centre), "anywhere")

    # Fewer scroll or narrow than just look; one in five each is still enough to hold the cursor and the filters.
    @task(2)
    def scroll_down(self) -> None:
        search, page = self.look_around(at_a_corner(self.centre), "busy corner")
        for _ in range(random.randint(1, 3)):
            if page.next_cursor is None:
                return
            page = self.scroll(search, page)

    @task(2)
    def narrow_down(self) -> None:
        search, page = self.look_around(anywhere(self.centre), "anywhere")
        if offering := [barber for barber in page.items if barber.services]:
            self.narrow(search, offering)
