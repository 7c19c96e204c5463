"""Keep the trips of barbers in Redis: one hash for each trip, with its newest position only.

A trip that no process confirms by the booking expires. So a lost event cannot keep a position for longer than that.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from grome.infrastructure.redis.client import Namespace
from grome.infrastructure.redis.scripts import Script
from grome.tracking.models import Progress, Trip

MIN_INTERVAL: Final = timedelta(seconds=2)
# A trip expires this long after it was last confirmed, and a report in the second half of the time confirms it.
TRIP_TTL: Final = timedelta(minutes=10)

# An earlier trip of the same booking is dropped with its position. A later trip is left alone.
_OPEN: Final = """
local open = tonumber(redis.call('HGET', KEYS[1], 'number') or '0')
if open > tonumber(ARGV[1]) then
    return 0
end
if open < tonumber(ARGV[1]) then
    redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'number', ARGV[1], 'barber', ARGV[2], 'trip', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
_CLOSE: Final = """
if tonumber(redis.call('HGET', KEYS[1], 'number') or '0') <= tonumber(ARGV[1]) then
    redis.call('DEL', KEYS[1])
end
"""
# The clocks of processes may differ, so a claim from the future does not count for longer than the interval.
_CLAIM: Final = """
local found = redis.call('HMGET', KEYS[1], 'barber', 'trip', 'progress', 'claimed')
if found[1] ~= ARGV[1] then
    return {found[2] and 'stranger' or 'no_trip'}
end
if found[4] and math.abs(tonumber(ARGV[2]) - tonumber(found[4])) < tonumber(ARGV[3]) then
    return {'too_soon'}
end
redis.call('HSET', KEYS[1], 'claimed', ARGV[2])
return {'claimed', found[2], found[3], redis.call('PTTL', KEYS[1])}
"""
_SAVE: Final = """
local found = redis.call('HMGET', KEYS[1], 'number', 'claimed')
if found[1] == ARGV[1] and found[2] == ARGV[2] then
    redis.call('HSET', KEYS[1], 'progress', ARGV[3])
    return 1
end
return 0
"""

_encode: Final[Callable[[Any], bytes]] = msgspec.msgpack.Encoder().encode
_decode_trip: Final = msgspec.msgpack.Decoder(Trip).decode
_decode_progress: Final = msgspec.msgpack.Decoder(Progress).decode


class ClaimRefusal(StrEnum):
    """Names the reason why a position cannot be added now."""

    NO_TRIP = "no_trip"
    STRANGER = "stranger"  # the account is not the barber of the trip
    TOO_SOON = "too_soon"


class Claim(NamedTuple):
    """Holds a trip with its progress so far, for the process that may add the next position."""

    trip: Trip
    progress: Progress | None
    at_ms: int
    is_due_for_confirmation: bool


class TripStore:
    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis, self._namespace = redis, namespace
        self._open, self._close = Script(redis, _OPEN), Script(redis, _CLOSE)
        self._claim, self._save = Script(redis, _CLAIM), Script(redis, _SAVE)

    async def open(self, trip: Trip) -> None:
        """Store the trip, or confirm it and keep its progress."""
        fields: list[int | bytes] = [
            trip.number,
            trip.barber_id.bytes,
            _encode(trip),
            TRIP_TTL // timedelta(milliseconds=1),
        ]
        await self._open([self._key(trip.booking_id)], fields)

    async def close(self, booking_id: UUID, version: int) -> None:
        """Delete the trip with its position, unless it began after this version of the booking."""
        await self._close([self._key(booking_id)], [version])

    async def claim(self, booking_id: UUID, barber_id: UUID, now: datetime) -> Claim | ClaimRefusal:
        """Claim the next position of a trip; among all processes, one claim in `MIN_INTERVAL` succeeds."""
        at_ms = int(now.timestamp() * 1_000)
        arguments: list[int | bytes] = [barber_id.bytes, at_ms, MIN_INTERVAL // timedelta(milliseconds=1)]
        outcome, *found = await self._claim([self._key(booking_id)], arguments)
        if outcome != b"claimed":
            return ClaimRefusal(outcome.decode())
        trip, progress, ttl_ms = found
        is_due = ttl_ms < TRIP_TTL / timedelta(milliseconds=2)
        return Claim(_decode_trip(trip), _decode_progress(progress) if progress else None, at_ms, is_due)

    async def save(self, claim: Claim, progress: Progress) -> bool:
        """Store the progress, unless the trip has ended or another position was claimed meanwhile; return whether."""
        arguments: list[int | bytes] = [claim.trip.number, claim.at_ms, _encode(progress)]
        return bool(await self._save([self._key(claim.trip.booking_id)], arguments))

    async def find(self, booking_id: UUID) -> tuple[Trip, Progress | None] | None:
        """Return the trip with its progress, or None if there is no trip."""
        reading = self._redis.hmget(self._key(booking_id), ["trip", "progress"])
        trip, progress = await cast("Awaitable[list[bytes | None]]", reading)
        return (_decode_trip(trip), _decode_progress(progress) if progress else None) if trip else None

    def _key(self, booking_id: UUID) -> str:
        return self._namespace.key(f"trip:{booking_id}")
