"""A customer and a barber that change bookings and write messages."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from grome.live_client.items import RequestRefused
from tests.realtime.faults.follower import Follower
from tests.realtime.faults.rest import Rest

MAX_BOOKINGS: Final = 40
_MESSAGES_A_BOOKING: Final = 40  # below a page of REST
_MESSAGES_OF_STEPS: Final = 0.3  # below 30 a minute of each side


@dataclass
class Writer:
    """The two sides, each by REST and by a live client of its own."""

    service_id: str
    customer: Rest
    barber: Rest
    devices: tuple[Follower, Follower]
    dice: random.Random
    pause_s: float
    bookings: int = 0
    sent: dict[str, list[str]] = field(default_factory=dict)  # texts of acknowledged messages, by booking
    figures: Counter[str] = field(default_factory=Counter)

    async def write(self, seconds: float) -> None:
        """Change a booking for a part of the time, then the next."""
        ends = time.monotonic() + seconds
        life_s = max(2.0, seconds / MAX_BOOKINGS)
        while time.monotonic() < ends and self.bookings < MAX_BOOKINGS:
            booking = await self._create()
            life_ends = min(ends, time.monotonic() + self.dice.uniform(0.5, 1.5) * life_s)
            messages: list[asyncio.Task[None]] = []
            while time.monotonic() < life_ends:
                await asyncio.sleep(self.dice.uniform(0, 2 * self.pause_s))
                if self.dice.random() < _MESSAGES_OF_STEPS and len(messages) < _MESSAGES_A_BOOKING:
                    messages.append(asyncio.create_task(self._send(booking["id"])))
                else:
                    await self._change(booking["id"])
            await asyncio.gather(*messages)

    async def _create(self) -> Any:
        self.bookings += 1
        wanted = {"barber_id": self.barber.user, "service_ids": [self.service_id], "scheduled_at": self._start(0)}
        return await self.customer.request("POST", "/v1/bookings", wanted, key=str(uuid4()))

    def _start(self, minutes: int) -> str:
        """Each booking has a day of its own, so that its times are free."""
        day = datetime.combine(datetime.now(UTC).date() + timedelta(days=self.bookings + 1), datetime.min.time(), UTC)
        return (day + timedelta(hours=9, minutes=minutes)).isoformat()

    async def _change(self, booking_id: str) -> None:
        """Let a side do something; a refusal is fine, because the other side may have done something else."""
        path, other_time = f"/v1/bookings/{booking_id}", {"scheduled_at": self._start(5 * self.dice.randrange(100))}
        side, action, body = self.dice.choice(
            [
                (self.barber, "accept", None),
                (self.barber, "reschedule", other_time),
                (self.customer, "reschedule", other_time),
                (self.customer, "proposal/accept", {}),
                (self.customer, "proposal/decline", {}),
                (self.barber, "proposal/accept", {}),
                *([(self.customer, "cancel", None)] if self.dice.random() < 0.2 else []),
            ]
        )
        try:
            await side.request("POST", f"{path}/{action}", body)
            self.figures["changes"] += 1
        except RequestRefused:
            self.figures["refused changes"] += 1

    async def _send(self, booking_id: str) -> None:
        """Send a message through a live client among the faults, and let the other side read it."""
        sender, reader = self.dice.sample(self.devices, 2)
        key = text = str(uuid4())
        while True:
            try:
                message = await sender.client.send(booking_id, text, key)
                break
            except TimeoutError:  # the network was bad for a minute
                self.figures["repeated messages"] += 1
        self.sent.setdefault(booking_id, []).append(text)
        self.figures["messages"] += 1
        rest = self.barber if reader is self.devices[1] else self.customer
        await rest.request("POST", f"/v1/bookings/{booking_id}/messages/read", {"message": message["id"]})

    async def lost_messages(self) -> int:
        """Count acknowledged messages that are not stored exactly once."""
        lost = 0
        for booking_id, texts in self.sent.items():
            page = await self.customer.get(f"/v1/bookings/{booking_id}/messages?limit=100")
            stored = Counter(message["text"] for message in page["items"])
            lost += sum(stored[text] != 1 for text in texts)
        return lost
