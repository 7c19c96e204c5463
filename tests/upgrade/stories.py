"""Use all features in turn during the upgrade, by pairs of a barber and a customer."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from tests.builders.barbers import ALWAYS_OPEN
from tests.upgrade.fleet import Caller, Expected, Fleet, Side, StoryEndedError

PASSWORD: Final = "correct horse battery"
_RULES: Final = {"slot_step_min": 5, "min_notice_min": 0, "horizon_days": 366}
_PLACE: Final = {"lat": 52.52, "lng": 13.405}
_TICK: Final = timedelta(minutes=5)
_RIVALS: Final = 5
_PAUSE_S: Final = 0.02
_CONTEST_PAUSE_S: Final = 0.2
_numbers = itertools.count(1)

Json = dict[str, Any]


def new_caller(fleet: Fleet) -> Caller:
    return Caller(fleet, f"upgrade-{next(_numbers)}@example.com", PASSWORD)


def _profile(side: Side) -> Json:
    """Return a profile; a later release calls a field by another name."""
    name = "name" if side.takes("ProfileIn", "name") else "display_name"
    return {name: "A chair", "location": _PLACE, "timezone": "UTC", "currency": "EUR"}


async def open_shop(fleet: Fleet, service_id: str) -> Caller:
    """Register a barber that is always open, and offers one service of five minutes."""
    barber = new_caller(fleet)
    await barber.register("barber")
    await barber.send("PUT", "/v1/barbers/me", _profile)
    offers = [{"service_id": service_id, "price": 1500, "duration_min": 5}]
    await barber.send("PUT", "/v1/barbers/me/services", {"services": offers})
    await barber.send("PUT", "/v1/barbers/me/hours", ALWAYS_OPEN)
    await barber.keep("PUT", "/v1/barbers/me/rules", _RULES, at=f"/v1/barbers/me#{barber.email}")
    return barber


@dataclass
class Pair:
    """A barber and a customer. Only this customer books the barber, so each free time stays free."""

    fleet: Fleet
    barber: Caller
    customer: Caller
    service_id: str
    told: Counter[str] = field(default_factory=Counter)
    _booked: int = 0

    @classmethod
    async def open(cls, fleet: Fleet) -> "Pair":
        customer = new_caller(fleet)
        await customer.register("customer")
        service_id = (await customer.send("GET", "/v1/services")).body["items"][0]["id"]
        return cls(fleet, await open_shop(fleet, service_id), customer, service_id)

    @property
    def stories(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "visit with review": self.visit,
            "reschedule and cancel": self.move,
            "decline": self.decline,
            "quotes with a promo": self.quote,
            "series": self.series,
            "waitlist": self.wait,
            "walk-in": self.walk_in,
            "favourites and preferences": self.settle_in,
            "searches and free times": self.look_around,
            "schedule of the barber": self.schedule,
            "sign-ins and refreshes": self.sign_in_again,
        }

    async def run(self, is_over: Callable[[], bool]) -> None:
        for name, story in itertools.cycle(self.stories.items()):
            if is_over():
                return
            try:
                await story()
            except StoryEndedError:
                pass  # the failure is in the list
            else:
                self.told[name] += 1
            await asyncio.sleep(_PAUSE_S)

    # ---- stories

    async def visit(self) -> None:
        """Visit a new barber, because older releases do not free the time of a visit that ended early."""
        barber = await open_shop(self.fleet, self.service_id)
        wish = {**self.wish(_soon()), "barber_id": barber.id}
        booking = await self.customer.keep("POST", "/v1/bookings", wish, key=str(uuid4()))
        path = f"/v1/bookings/{booking['id']}"
        for action in ("accept", "start", "complete"):
            await barber.keep("POST", f"{path}/{action}", at=path)
        await self.customer.keep("POST", f"{path}/tip", {"amount": 200}, at=path)
        review = {"rating": 4, "text": "Quick."}
        await self.customer.keep("POST", f"{path}/review", review, at=f"{path}/review", key=str(uuid4()))
        await self.customer.keep(
            "PUT", f"{path}/review", {"rating": 5, "text": "Quick, and good."}, at=f"{path}/review"
        )
        await barber.keep("PUT", f"{path}/review/answer", {"text": "Thank you."}, at=f"{path}/review")

    async def move(self) -> None:
        booking = await self._book(self.later())
        path = f"/v1/bookings/{booking['id']}"
        await self.barber.keep("POST", f"{path}/accept", at=path)
        wanted = {"scheduled_at": self.later().isoformat()}
        await self.customer.keep("POST", f"{path}/reschedule", wanted, at=path)
        await self.barber.keep("POST", f"{path}/proposal/accept", {}, at=path)
        if self.fleet.have("POST", "/v1/bookings/{booking_id}/messages"):
            await self.customer.send("POST", f"{path}/messages", {"key": str(uuid4()), "text": "See you."})
        await self.customer.keep("POST", f"{path}/cancel", {"note": "I am ill."}, at=path)

    async def decline(self) -> None:
        booking = await self._book(self.later())
        path = f"/v1/bookings/{booking['id']}"
        await self.barber.keep("POST", f"{path}/decline", at=path)

    async def quote(self) -> None:
        code = f"CODE-{next(_numbers)}"
        promo = (await self.barber.send("POST", "/v1/barbers/me/promos", {"code": code, "percent": 10})).body
        await self.barber.send("GET", f"/v1/barbers/me/promos/{promo['id']}")
        for _ in range(2):
            wanted = {**self.wish(self.later()), "promo_code": code}
            answer = await self.customer.send("POST", "/v1/bookings/quote", wanted, status=(201, 503))
            if answer.status == 503:
                if Expected.QUOTE not in answer.side.answers:
                    self.fleet.fail(f"{answer.side.name}: POST /v1/bookings/quote: {answer.body}")
                self.fleet.expected[Expected.QUOTE] += 1
                return
        path = f"/v1/bookings/quote/{answer.body['id']}/book"
        booking = (await self.customer.send("POST", path)).body
        self.fleet.acknowledged[f"/v1/bookings/{booking['id']}"] = (self.customer, booking)

    async def series(self) -> None:
        start, repeat = self.later(), {"every": "week", "count": 3}
        wanted = {**self.wish(start), "repeat": repeat}
        made = (await self.customer.send("POST", "/v1/bookings/series", wanted, key=str(uuid4()))).body
        first = made["occurrences"][0]["booking"]["id"]
        await self.customer.send("POST", f"/v1/bookings/{first}/series/cancel", {})

    async def wait(self) -> None:
        start = self.later()
        window = {"earliest": start.isoformat(), "latest": (start + timedelta(hours=4)).isoformat()}
        body = {"service_ids": [self.service_id], "barber_id": self.barber.id, **window}
        entry = (await self.customer.send("POST", "/v1/waitlist", body)).body
        await self.customer.send("GET", f"/v1/waitlist/{entry['id']}")
        await self.customer.send("DELETE", f"/v1/waitlist/{entry['id']}")

    async def walk_in(self) -> None:
        profile = f"/v1/barbers/me#{self.barber.email}"
        await self.barber.keep("PUT", "/v1/barbers/me/online", {"is_online": True}, at=profile)
        path = f"/v1/barbers/{self.barber.id}/walk-ins"
        joined = (await self.customer.send("POST", path, {"service_ids": [self.service_id]})).body
        await self.customer.send("GET", f"/v1/walk-ins/{joined['id']}")
        await self.customer.send("DELETE", f"/v1/walk-ins/{joined['id']}")

    async def settle_in(self) -> None:
        await self.customer.send("PUT", f"/v1/me/favourites/{self.barber.id}")
        changes = {"language": "de", "quiet_hours": {"start": "22:00", "end": "07:00"}}
        await self.customer.keep("PATCH", "/v1/me/preferences", changes, at=f"/v1/me/preferences#{self.customer.email}")
        await self.customer.keep("GET", "/v1/me", at=f"/v1/me#{self.customer.email}")
        await self.customer.send("DELETE", f"/v1/me/favourites/{self.barber.id}")

    async def look_around(self) -> None:
        around = f"lat={_PLACE['lat']}&lng={_PLACE['lng']}&radius_km=10"
        await self.customer.send("GET", f"/v1/barbers/nearby?{around}")
        await self.customer.send("GET", "/v1/barbers?q=barber")
        day = self._day().date()
        slots = f"/v1/barbers/{self.barber.id}/slots?from={day}&to={day}&service_ids={self.service_id}"
        await self.customer.send("GET", slots)
        await self.barber.send("GET", "/v1/bookings")

    async def schedule(self) -> None:
        start = self._day() + timedelta(days=300)
        away = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
        made = (await self.barber.send("POST", "/v1/barbers/me/time-off", away)).body
        await self.barber.send("DELETE", f"/v1/barbers/me/time-off/{made['id']}")
        await self.barber.send("PUT", f"/v1/barbers/me/overrides/{start.date()}", {"hours": None})
        await self.barber.send("DELETE", f"/v1/barbers/me/overrides/{start.date()}")
        terms = {"cancellation": {"cancel_notice_min": 60}}
        await self.barber.keep("PUT", "/v1/barbers/me/terms", terms, at=f"/v1/barbers/me#{self.barber.email}")

    async def sign_in_again(self) -> None:
        await self.customer.refresh()
        await self.barber.sign_in()
        newcomer = new_caller(self.fleet)
        await newcomer.register("customer")

    # ---- parts of stories

    async def _book(self, start: datetime) -> Json:
        return await self.customer.keep("POST", "/v1/bookings", self.wish(start), key=str(uuid4()))  # type: ignore[no-any-return]

    def wish(self, start: datetime) -> Json:
        return {"barber_id": self.barber.id, "service_ids": [self.service_id], "scheduled_at": start.isoformat()}

    def later(self) -> datetime:
        self._booked += 1
        return self._day() + 2 * self._booked * _TICK

    def _day(self) -> datetime:
        return datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)


@dataclass
class Contest:
    """Some customers want the same times of one barber at once."""

    pair: Pair
    rivals: list[Caller]
    times: int = 0

    @classmethod
    async def open(cls, fleet: Fleet) -> "Contest":
        rivals = [new_caller(fleet) for _ in range(_RIVALS)]
        for rival in rivals:
            await rival.register("customer")
        return cls(await Pair.open(fleet), rivals)

    async def run(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            wanted = self.pair.wish(self.pair.later())
            try:
                answers = await asyncio.gather(*(self._ask(rival, wanted) for rival in self.rivals))
            except StoryEndedError:
                continue
            self.times += 1
            if (got := answers.count(201)) != 1:
                self.pair.fleet.fail(f"{got} of {len(answers)} rivals got one time")
            await asyncio.sleep(_CONTEST_PAUSE_S)

    async def _ask(self, rival: Caller, wanted: Json) -> int:
        answer = await rival.send("POST", "/v1/bookings", wanted, status=(201, 409), key=str(uuid4()))
        if answer.status == 201:
            self.pair.fleet.acknowledged[f"/v1/bookings/{answer.body['id']}"] = (rival, answer.body)
        return answer.status


def _soon() -> datetime:
    """Return a time at which a visit can be started at once."""
    ahead = datetime.now(UTC) + timedelta(minutes=30)
    return ahead.replace(minute=ahead.minute // 5 * 5, second=0, microsecond=0)
