"""A small server that responds like Grome, except for faults that a test injects, and accepts any booking."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

from locustfiles.promises import Point, metres_between

BARBERS = {str(UUID(int=number)): Point(52.52437 + number / 1000, 13.41053) for number in (1, 2, 3)}
SERVICE = {"service_id": str(UUID(int=9)), "name": "Cut", "price": 2500, "currency": "EUR", "duration_min": 30}
Json = dict[str, Any]


def unbent(items: list[Json]) -> list[Json]:
    return items


@dataclass
class StandIn:
    """`bend` changes the items of every search. Access tokens end when they are renewed, and only then."""

    expires_in: int = 900
    bend: Callable[[list[Json]], list[Json]] = unbent
    signed_in: dict[str, str] = field(default_factory=dict)  # the ids of accounts by access token
    bookings: dict[str, Json] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def answer(  # noqa: PLR0911 -- one a route
        self, path: str, query: dict[str, str], token: str, body: Json
    ) -> tuple[int, Json]:
        match path.split("/")[2:]:
            case ["auth", "register"]:
                return 201, {**self.tokens(account := str(uuid4())), "user": {"id": account, "role": body["role"]}}
            case ["auth", "refresh"]:
                return 200, self.tokens(self.signed_in.pop(body["refresh_token"]))
            case _ if token not in self.signed_in:
                return 401, {"status": 401, "code": "unauthenticated", "title": "No", "request_id": "1"}
            case ["barbers", "nearby"]:
                return 200, {"items": self.bend(nearby(query)), "next_cursor": None}
            case ["barbers", _, "slots"]:
                return 200, {"timezone": "UTC", "days": days(date.fromisoformat(query["from"]))}
            case ["bookings"] if body:
                return 201, self.book(self.signed_in[token], body)
            case ["bookings"]:
                own = [one for one in self.bookings.values() if one["customer_id"] == self.signed_in[token]]
                return 200, {
                    "items": sorted(own, key=lambda one: one["scheduled_at"], reverse=True),
                    "next_cursor": None,
                }
            case ["bookings", booking]:
                return 200, self.bookings[booking]
            case ["bookings", booking, "cancel"]:
                self.bookings[booking] |= {"status": "cancelled", "version": 2}
                return 200, self.bookings[booking]
        raise AssertionError(path)

    def tokens(self, account: str) -> Json:
        """For brevity the refresh token is the access token it came with."""
        token = f"token-{next(self.numbers)}"
        self.signed_in[token] = account
        return {"access_token": token, "refresh_token": token, "expires_in": self.expires_in, "token_type": "Bearer"}

    def book(self, customer: str, wanted: Json) -> Json:
        start = datetime.fromisoformat(wanted["scheduled_at"])
        booking = {
            "id": str(uuid4()),
            "status": "requested",
            "customer_id": customer,
            "barber_id": wanted["barber_id"],
            "services": [SERVICE],
            "scheduled_at": start.isoformat(),
            "ends_at": (start + timedelta(minutes=30)).isoformat(),
            "price": SERVICE["price"],
            "currency": "EUR",
            "payment": {"status": "pending", "amount": SERVICE["price"], "currency": "EUR"},
            "version": 1,
        }
        self.bookings[str(booking["id"])] = booking
        return booking


def nearby(query: dict[str, str]) -> list[Json]:
    """Return all barbers in the circle without filters: all are online, with the same services."""
    lat, lng, radius_m = float(query["lat"]), float(query["lng"]), float(query["radius_km"]) * 1000
    apart = {barber: metres_between(lat, lng, place) for barber, place in BARBERS.items()}
    return [
        {
            "id": barber,
            "name": "A barber",
            "location": {"lat": BARBERS[barber].lat, "lng": BARBERS[barber].lng},
            "distance_m": round(apart[barber], 1),
            "rating": 4.5,
            "reviews_count": 2,
            "is_online": True,
            "services": [SERVICE],
        }
        for barber in sorted(BARBERS, key=lambda barber: apart[barber])
        if apart[barber] <= radius_m
    ]


def days(first: date) -> list[Json]:
    """A week with one free time at noon each day."""
    noons = [datetime.combine(first + timedelta(days=number), time(12), UTC) for number in range(7)]
    return [
        {
            "date": noon.date().isoformat(),
            "slots": [{"start": noon.isoformat(), "end": (noon + timedelta(minutes=30)).isoformat()}],
        }
        for noon in noons
    ]


@contextmanager
def serving(grome: StandIn) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else {}
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            status, answer = grome.answer(url.path, dict(parse_qsl(url.query)), token, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 -- http.server's names

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
