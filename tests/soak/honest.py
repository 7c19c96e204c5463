"""Measure the latencies of an honest barber and customer."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.builders.barbers import Barber
from tests.builders.people import Person

_PAUSE_S: Final = 0.05


@dataclass
class Waits:
    """The durations of each kind of request, in seconds."""

    of: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def p50_ms(self, kind: str) -> float:
        return median(self.of[kind]) * 1000

    def p95_ms(self, kind: str) -> float:
        seconds = self.of[kind]
        return (quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]) * 1000


@dataclass
class Honest:
    http: httpx.AsyncClient
    shop: Barber
    customer: Person
    errors: list[str] = field(default_factory=list)
    made: int = 0

    async def run(self, until_s: float) -> Waits:
        """Search, read free times, book, list and cancel, with pauses, until `until_s`."""
        waits = Waits()
        while time.monotonic() < until_s:
            await self._visit(waits)
            await asyncio.sleep(_PAUSE_S)
        return waits

    async def _visit(self, waits: Waits) -> None:
        where = {"lat": "52.52", "lng": "13.405", "radius_km": "5", "limit": "20"}
        await self._timed(waits, "nearby", "GET", "/v1/barbers/nearby", params=where)
        day = datetime.now(UTC).date() + timedelta(days=2)
        query = {"from": str(day), "to": str(day), "service_ids": self.shop.services[0][0]}
        await self._timed(waits, "slots", "GET", f"/v1/barbers/{self.shop.id}/slots", params=query)
        self.made += 1
        start = datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=5 * (self.made % 250))
        wanted = {
            "barber_id": self.shop.id,
            "service_ids": [self.shop.services[0][0]],
            "scheduled_at": start.isoformat(),
        }
        booking = await self._timed(waits, "create", "POST", "/v1/bookings", json=wanted)
        await self._timed(waits, "list", "GET", "/v1/bookings", params={"limit": "20"})
        if booking:
            await self._timed(waits, "cancel", "POST", f"/v1/bookings/{booking['id']}/cancel", json={})

    async def _timed(self, waits: Waits, kind: str, method: str, path: str, **sent: Any) -> Any:
        headers = {"Idempotency-Key": str(uuid4()), **self.customer.auth}
        started = time.perf_counter()
        try:
            answer = await self.http.request(method, path, headers=headers, **sent)
        except httpx.TransportError as error:
            self.errors.append(f"{kind}: {error!r}")
            return None
        waits.of[kind].append(time.perf_counter() - started)
        if not answer.is_success:
            self.errors.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer.json()
