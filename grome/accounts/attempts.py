"""Limit guesses of passwords, without a way for strangers to lock an account's owner out.

A failed attempt on a device that the account knows uses a quota of that account and device, and nothing else. Other
failed attempts use three quotas: of the network at this account, of all networks at this account, and of the network at
all accounts. So strangers can make a sign-in on a new device wait, but never on a known device. The wait ends by
itself, and a code or a new password by mail signs in meanwhile.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from config.sections.accounts import LimitSettings
from grome.accounts.errors import WrongCredentials
from grome.accounts.events import new_account_event
from grome.accounts.failed_sign_ins import FailedSignIns
from grome.accounts.models import Device
from grome.accounts.repository import SessionRepository, UserRepository
from grome.common.addresses import network_of
from grome.common.clock import Clock
from grome.common.errors import TooManyRequests
from grome.common.ids import new_id
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.rate_limits.limiter import RateLimits
from grome.infrastructure.rate_limits.models import Charge, Quota

_WINDOW_S: Final = 900.0
# The owner hears of many failures once a day.
_NOTICES: Final = Quota("failures_told", 1, 86_400.0)
# A shorter id, such as "web", could be guessed, and would then use the quota of the owner's device.
_MIN_UNGUESSABLE_ID: Final = 16
_DIGEST_LETTERS: Final = 32


class SignInAttempts:
    def __init__(
        self,
        limits: RateLimits,
        failures: FailedSignIns,
        users: UserRepository,
        sessions: SessionRepository,
        settings: LimitSettings,
        clock: Clock,
    ) -> None:
        self._limits, self._failures, self._clock = limits, failures, clock
        self._users, self._sessions = users, sessions
        self._of_device = Quota("failures_device", settings.failed_sign_ins, _WINDOW_S)
        self._of_network_at_account = Quota("failures_place", settings.failed_sign_ins, _WINDOW_S)
        self._of_account = Quota("failures_account", settings.failed_sign_ins_account, _WINDOW_S)
        self._of_network = Quota("failures_network", settings.failed_sign_ins_network, _WINDOW_S)

    @asynccontextmanager
    async def attempt(self, name: str, user_ids: Sequence[UUID], device: Device) -> AsyncIterator[None]:
        """Count the attempt of the block, and give it back unless the block raises WrongCredentials.

        `name` is the given email or phone in normal form, and `user_ids` are the accounts with that name, if any.
        Raises TooManyRequests before the block. The attempt is counted before the block, so that parallel attempts
        cannot all pass.
        """
        charges = await self._charges(name, user_ids, device)
        verdict = await self._limits.take_all(charges)
        if verdict.wait_s:
            raise TooManyRequests(verdict.wait_s)
        try:
            yield
        except WrongCredentials:
            await self._failures.add(user_ids)
            is_strangers = verdict.quota in (self._of_account, self._of_network_at_account)
            if is_strangers and verdict.ahead_s > verdict.quota.window_s / 2:
                await self._tell(user_ids)
            raise
        except BaseException:
            await self._limits.give_back(charges)
            raise
        await self._limits.give_back(charges)

    async def _charges(self, name: str, user_ids: Sequence[UUID], device: Device) -> list[Charge]:
        account = _digest(name)
        # Also asked for no account: else the time of the answer would tell which names exist.
        device_id = device.id or ""
        is_known = await self._sessions.know_device(user_ids or [new_id()], device_id)
        if is_known and len(device_id) >= _MIN_UNGUESSABLE_ID:
            return [Charge(f"{account}:{_digest(device_id)}", self._of_device)]
        network = network_of(device.ip or "")
        return [
            Charge(f"{account}:{network}", self._of_network_at_account),
            Charge(account, self._of_account),
            Charge(network, self._of_network),
        ]

    async def _tell(self, user_ids: Sequence[UUID]) -> None:
        for user_id in user_ids:
            if not (await self._limits.take_all([Charge(user_id.hex, _NOTICES)])).wait_s:
                event = new_account_event(EventType.ACCOUNT_SUSPICIOUS_SIGN_IN, self._clock())
                await self._users.add_event(user_id, event)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LETTERS]
