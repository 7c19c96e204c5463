"""Store at most one booking for an Idempotency-Key: by a unique index, or by claiming the key before."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from msgspec import structs

from grome.bookings.errors import KeyInFlight, KeyReused
from grome.bookings.key_claims.models import KeyClaim
from grome.bookings.key_claims.service import KeyClaims
from grome.bookings.models import Booking, BookingKey
from grome.bookings.repository import BookingRepository
from grome.common.errors import ApiError, Unavailable

Insert = Callable[[Booking], Awaitable[None]]
Make = Callable[[BookingKey], Awaitable[Booking]]


class BookingStore(Protocol):
    """Stores bookings, and finds the booking of a repeated request."""

    async def insert(self, booking: Booking) -> None:
        """Insert the booking. Raises the errors of `BookingRepository.insert`, or Unavailable."""

    async def run_once(self, customer_id: UUID, key: BookingKey, make: Make, *, any_barber: bool) -> Booking:
        """Run `make`, or return the booking of the first request under the key.

        `any_barber` says that a repeat may choose another barber. Raises the errors of `make`, KeyReused, and
        KeyInFlight.
        """


class IndexedBookingStore:
    """Relies on the unique index on customer and key, which holds on a single replica set."""

    def __init__(self, bookings: BookingRepository, insert: Insert) -> None:
        self._bookings, self._insert = bookings, insert

    async def insert(self, booking: Booking) -> None:
        await self._insert(booking)

    async def run_once(self, customer_id: UUID, key: BookingKey, make: Make, *, any_barber: bool) -> Booking:  # noqa: ARG002 -- the index knows no barber
        try:
            return await make(key)
        except ApiError:
            # The key is looked up only after an error, so that an ordinary request needs no query. A repeat gets the
            # first answer, although its own booking, or the clock, would reject the repeat.
            first = await _find_first(self._bookings, customer_id, key)
            if first is None:
                raise
            return first


class ClaimingBookingStore:
    """Claims the key before a booking is made, for bookings that are sharded by barber (decision 24)."""

    def __init__(self, bookings: BookingRepository, insert: Insert, claims: KeyClaims) -> None:
        self._bookings, self._insert, self._claims = bookings, insert, claims

    async def insert(self, booking: Booking) -> None:
        lease = booking.idempotency.leased_until if booking.idempotency else None
        if lease and not self._claims.may_still_write(lease):
            raise Unavailable("The request took too long, and nothing was booked.")
        await self._insert(booking)

    async def run_once(self, customer_id: UUID, key: BookingKey, make: Make, *, any_barber: bool) -> Booking:
        claim = self._claims.build(customer_id, key.key, key.fingerprint)
        if not await self._claims.try_insert(claim):
            if first := await self._find_first_or_take_over(customer_id, key, claim):
                return first
        elif any_barber and await self._bookings.has_key(customer_id, key.key):
            # A booking from before claims, or with an expired claim: no index would reject another barber's booking.
            if first := await _find_first(self._bookings, customer_id, key):
                return first
            raise KeyInFlight
        return await self._make(customer_id, key, claim, make)

    async def _find_first_or_take_over(self, customer_id: UUID, key: BookingKey, claim: KeyClaim) -> Booking | None:
        """Return the booking of the first request, or take over its lapsed claim and return None.

        Raises KeyReused, or KeyInFlight if the claim is not ours.
        """
        stored = await self._claims.find(claim)
        if first := await _find_first(self._bookings, customer_id, key):
            return first
        if stored is None:  # its request was refused meanwhile
            raise KeyInFlight
        if self._claims.is_running(stored):
            raise KeyInFlight if stored.fingerprint == claim.fingerprint else KeyReused
        # A booking of a lapsed lease is stored by now, but a majority may lack it.
        if await self._bookings.has_key(customer_id, key.key) or not await self._claims.take_over(stored, claim):
            raise KeyInFlight
        return None

    async def _make(self, customer_id: UUID, key: BookingKey, claim: KeyClaim, make: Make) -> Booking:
        try:
            return await make(structs.replace(key, leased_until=claim.leased_until))
        except ApiError:  # after any other error the booking may be stored, so the claim stays until its lease lapses
            if first := await _find_first(self._bookings, customer_id, key):
                return first
            await self._claims.release(claim)
            raise


async def _find_first(bookings: BookingRepository, customer_id: UUID, key: BookingKey) -> Booking | None:
    """Return the booking of the first request under the key. Raises KeyReused if that was another request."""
    first = await bookings.find_by_key(customer_id, key.key)
    if first and (first.idempotency is None or first.idempotency.fingerprint != key.fingerprint):
        raise KeyReused from None
    return first
