"""Visits that clients of the API live through: book, pay, write, come or cancel, and review."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID, uuid4

import httpx
import msgspec
from msgspec import Struct
from rich.progress import Progress

from benchmarks.load import LoadFailed
from grome.accounts.schemas import DeviceIn, Register, SignedIn
from grome.bookings.models import Action
from grome.bookings.schemas import BookingIn, BookingOut, CancelIn
from grome.chat.schemas import MessageIn, MessageOut
from grome.dev.demo.api_client import ApiClient
from grome.dev.demo.card_app import CardApp
from grome.dev.demo.visits import accept_actions, apply_action, list_free_slots
from grome.infrastructure.http.responses import JSON
from grome.nearby.schemas import NearbyPage
from grome.notifications.schemas import PushTokenIn
from grome.payments.models import PaymentState
from grome.payments.schemas import PaymentIn
from grome.reviews.schemas import ReviewIn, ReviewOut

CLIENTS: Final = 6
# Of ten visits in a row, counted from 0.
_PAID: Final = frozenset(range(6))
_CANCELLED: Final = frozenset({5, 6})
_OPEN: Final = frozenset({7, 8})
# Late enough that nothing happens by time before the visit is paid, and early enough that it can be started now.
_AHEAD: Final = timedelta(minutes=60)
_VOCABULARY: Final = (
    "the time is fine for me and short on the sides please but leave more on top thank you see you then could we "
    "start ten minutes later because my train is late again great cut friendly and quick I will come back next month "
    "where do I find the entrance it is beside the bakery ring twice do you also trim beards yes of course any day"
)


@dataclass(frozen=True)
class Barber:
    """A barber's id, access token and place."""

    id: UUID
    token: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Site:
    """The addresses of Grome and of the local Stripe."""

    url: str
    stripe_url: str
    publishable_key: str


def takes_deposit(number: int) -> bool:
    """Return whether the barber of the visit with this number takes a deposit."""
    return number % 10 in _PAID


def is_completed(number: int) -> bool:
    return number % 10 not in _CANCELLED | _OPEN


class Visits:
    """Runs visits by their number, each of a customer and a barber of its own, several at a time."""

    def __init__(self, site: Site, barbers: Sequence[Barber], progress: Progress) -> None:
        self._site, self._barbers, self._progress = site, barbers, progress
        self._customers: dict[int, str] = {}

    @property
    def count(self) -> int:
        return len(self._barbers)

    def register(self) -> None:
        """Register a customer for each barber, with a device that gets push messages."""
        self._run("Customers register", self._register)

    def live(self) -> None:
        """Run the visits."""
        self._run("Visits", self._visit)

    def _run(self, told: str, work: Callable[[httpx.Client, int], None]) -> None:
        bar = self._progress.add_task(told, total=len(self._barbers))
        with ThreadPoolExecutor(CLIENTS) as pool, httpx.Client(base_url=self._site.url, timeout=60) as http:
            for _ in pool.map(lambda number: work(http, number), range(len(self._barbers))):
                self._progress.advance(bar)

    def _register(self, http: httpx.Client, number: int) -> None:
        device = DeviceIn(uuid4(), "A phone", "ios")
        wanted = Register(
            email=f"somebody-{number}@example.com",
            password=f"measured with a stopwatch {number}",
            name=f"{_text(number, 1).title()} {_text(-number, 1).title()}",
            device=device,
        )
        signed_in = ApiClient(http).request("POST", "/v1/auth/register", SignedIn, status=201, body=wanted)
        customer = ApiClient(http, signed_in.access_token)
        path = f"/v1/me/devices/{device.id}/push-token"
        _send(customer, "PUT", path, 204, PushTokenIn(f"{uuid4().hex}{uuid4().hex}:{uuid4().hex}"))
        self._customers[number] = signed_in.access_token

    def _visit(self, http: httpx.Client, number: int) -> None:
        barber = self._barbers[number]
        customer, boss = ApiClient(http, self._customers[number]), ApiClient(http, barber.token)
        booking = self._book(customer, barber, number)
        with httpx.Client(base_url=self._site.stripe_url, timeout=60) as stripe:
            app = CardApp(customer, stripe, self._site.publishable_key)
            if takes_deposit(number):
                app.pay(booking, PaymentIn("deposit"), PaymentState.PAID)
                booking = customer.request("GET", f"/v1/bookings/{booking.id}", BookingOut)
            for action in accept_actions(booking):
                apply_action(boss, booking.id, action)
            self._talk(customer, boss, booking, number)
            if number % 10 in _CANCELLED:
                customer.request(
                    "POST", f"/v1/bookings/{booking.id}/cancel", BookingOut, body=CancelIn(_text(number, 9))
                )
            elif is_completed(number):
                self._come(app, customer, boss, booking, number)

    def _book(self, customer: ApiClient, barber: Barber, number: int) -> BookingOut:
        around: dict[str, str | float] = {"lat": barber.latitude, "lng": barber.longitude, "radius_km": 5}
        found = customer.request("GET", "/v1/barbers/nearby", NearbyPage, params=around)
        (shop,) = (each for each in found.items if each.id == barber.id)
        service_id = shop.services[0].service_id
        slots = list_free_slots(customer, barber.id, service_id)
        after = datetime.now(UTC) + _AHEAD
        start = next(slot.start for day in slots.days for slot in day.slots if slot.start > after)
        wanted = BookingIn(barber.id, [service_id], start, note=_text(number, 8))
        return customer.request(
            "POST", "/v1/bookings", BookingOut, status=201, body=wanted, idempotency_key=str(uuid4())
        )

    def _talk(self, customer: ApiClient, boss: ApiClient, booking: BookingOut, number: int) -> None:
        for turn, side in enumerate((customer, boss, customer, boss)):
            message = MessageIn(uuid4().hex, _text(number * 10 + turn, 12))
            side.request("POST", f"/v1/bookings/{booking.id}/messages", MessageOut, status=201, body=message)

    def _come(self, app: CardApp, customer: ApiClient, boss: ApiClient, booking: BookingOut, number: int) -> None:
        if takes_deposit(number):
            app.pay(booking, PaymentIn("visit"), PaymentState.AUTHORIZED)
        for action in (Action.START, Action.COMPLETE):
            apply_action(boss, booking.id, action)
        if takes_deposit(number):
            app.pay(booking, PaymentIn("tip", booking.price // 10), PaymentState.PAID)
        if number % 2:
            review = ReviewIn(1 + number % 5, _text(number, 25))
            customer.request("POST", f"/v1/bookings/{booking.id}/review", ReviewOut, status=201, body=review)
        _send(customer, "PUT", f"/v1/me/favourites/{booking.barber_id}", 204, None)


def _text(seed: int, words: int) -> str:
    return " ".join(Random(seed).choices(_VOCABULARY.split(), k=words))  # noqa: S311 -- reproducible on purpose


def _send(client: ApiClient, method: str, path: str, status: int, body: Struct | None) -> None:
    """Send a request that is answered without a body. Raises LoadFailed for another status."""
    headers = {"Authorization": f"Bearer {client.token}"}
    content = msgspec.json.encode(body) if body else b""
    if content:
        headers["Content-Type"] = JSON
    answer = client.http.request(method, path, content=content, headers=headers)
    if answer.status_code != status:
        raise LoadFailed(f"{method} {path} was answered {answer.status_code}: {answer.text}")
