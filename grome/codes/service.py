"""Request one-time codes, and redeem them."""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from grome.codes.errors import CodeRefused
from grome.codes.models import CODE_LIFE, CodeEvent, CodePurpose, CodeTarget, OneTimeCode
from grome.codes.repository import CodeRepository
from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.infrastructure.outbox.models import EventType

DIGITS: Final = 8
# Requests a day for one address from one network: an attacker elsewhere does not use up the owner's.
_REQUESTS: Final = Budget("codes", 10, timedelta(days=1))
_REQUESTED: Final = EventType.ACCOUNT_CODE_REQUESTED
_BOUND_TO_REQUEST: Final = frozenset({CodePurpose.SIGN_IN, CodePurpose.SECOND_FACTOR})


class Codes:
    """Makes codes of eight digits that are valid once, for ten minutes and five tries.

    The digits are an HMAC of the code's id and target, so the database, the outbox and job payloads hold no secret.
    `keys` are the current key and older keys.
    """

    def __init__(self, codes: CodeRepository, budgets: Budgets, keys: Sequence[bytes], clock: Clock) -> None:
        self._codes, self._budgets, self._keys, self._clock = codes, budgets, keys, clock

    async def request(self, target: CodeTarget, network: str) -> str:
        """Store a code, which is then sent to the target's address, and return the name to redeem it by.

        Sends nothing if the code before is less than a minute old. Raises TooManyRequests if `network`, the network of
        the client, has requested too many codes for this address.
        """
        await self._budgets.spend(_REQUESTS, f"{target.purpose}:{target.address}:{network}")
        now, code_id = self._clock(), new_id()
        slot = str(code_id) if target.purpose in _BOUND_TO_REQUEST else target.slot
        code = OneTimeCode(
            id=slot,
            code_id=code_id,
            purpose=target.purpose,
            kind=target.kind,
            address=target.address,
            user_id=target.user_id,
            created_at=now,
            expires_at=now + CODE_LIFE,
            outbox=[CodeEvent(new_id(), _REQUESTED, now, code_id, target.purpose)] if target.user_id else [],
        )
        await self._codes.put(code)
        return slot

    async def check(self, slot: str, purpose: CodePurpose, digits: str) -> OneTimeCode:
        """Count a try, and return the code if the digits are right. Raises CodeRefused.

        A code without an account is always refused.
        """
        code = await self._codes.count_try(slot, self._clock())
        if code is None or code.user_id is None or code.purpose is not purpose:
            raise CodeRefused
        if not any(hmac.compare_digest(_digits_of(code, key), digits.encode()) for key in self._keys):
            raise CodeRefused
        return code

    async def use(self, code: OneTimeCode) -> None:
        """Use up a checked code; one of several concurrent requests does. Raises CodeRefused for the others."""
        if not await self._codes.use(code, self._clock()):
            raise CodeRefused

    async def redeem(self, slot: str, purpose: CodePurpose, digits: str) -> OneTimeCode:
        """Check a code and use it up. Raises CodeRefused."""
        code = await self.check(slot, purpose, digits)
        await self.use(code)
        return code

    async def find_to_send(self, code_id: UUID) -> tuple[OneTimeCode, str] | None:
        """Return a code and its digits for the message; None if it was used, was replaced or has expired."""
        code = await self._codes.find_usable(code_id, self._clock())
        return (code, _digits_of(code, self._keys[0]).decode()) if code else None


def _digits_of(code: OneTimeCode, key: bytes) -> bytes:
    said = f"{code.code_id}\0{code.purpose}\0{code.kind}\0{code.address}\0{code.user_id}"
    number = int.from_bytes(hmac.digest(key, said.encode(), "sha256"), "big")
    return f"{number % 10**DIGITS:0{DIGITS}}".encode()
