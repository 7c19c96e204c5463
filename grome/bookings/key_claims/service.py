"""Claim the Idempotency-Key of a booking before the booking is made."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from grome.bookings.key_claims.errors import KeyAlreadyClaimed
from grome.bookings.key_claims.models import KeyClaim, claim_id
from grome.bookings.key_claims.repository import KeyClaimRepository
from grome.common.clock import Clock


class KeyClaims:
    """Inserts, takes over and releases claims; `insert` stores a claim, by a write of its own or by group commit."""

    def __init__(
        self,
        claims: KeyClaimRepository,
        insert: Callable[[KeyClaim], Awaitable[None]],
        lease: timedelta,
        clock: Clock,
    ) -> None:
        self._claims, self._insert = claims, insert
        self._lease, self._clock = lease, clock

    def build(self, customer_id: UUID, key: str, fingerprint: bytes) -> KeyClaim:
        """Build the claim of a request that begins now."""
        return KeyClaim(claim_id(customer_id, key), fingerprint, self._clock() + self._lease)

    async def try_insert(self, claim: KeyClaim) -> bool:
        """Insert the claim; return False if there is a claim on the key."""
        try:
            await self._insert(claim)
        except KeyAlreadyClaimed:
            return False
        return True

    async def find(self, claim: KeyClaim) -> KeyClaim | None:
        """Return the stored claim on the same key."""
        return await self._claims.find(claim.id)

    def is_running(self, claim: KeyClaim) -> bool:
        return self._clock() < claim.leased_until

    def may_still_write(self, leased_until: datetime) -> bool:
        """Return whether a write that begins now ends within the lease: at most half of the lease is over."""
        return self._clock() <= leased_until - self._lease / 2

    async def take_over(self, lapsed: KeyClaim, claim: KeyClaim) -> bool:
        """Replace the lapsed claim; return False if another request was faster."""
        return await self._claims.replace(lapsed, claim)

    async def release(self, claim: KeyClaim) -> None:
        """Free the key of a refused request, unless another request has taken the claim over."""
        await self._claims.delete(claim)
