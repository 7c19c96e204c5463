"""Grant or refuse requests by quotas that all processes share; without Valkey each process has a part of them."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.settings import Settings
from grome.infrastructure.cancellation import cancel_until_done, raise_if_cancelled
from grome.infrastructure.rate_limits.buckets import Buckets
from grome.infrastructure.rate_limits.models import Charge, LimitClass, Quota, Verdict
from grome.infrastructure.rate_limits.quotas import quotas_of
from grome.infrastructure.rate_limits.scripts import BucketScripts
from grome.infrastructure.redis.client import Namespace

_SHARE_EVERY_S: Final = 0.5
_BUCKETS_PER_SCRIPT: Final = 500
# A request waits no longer for Valkey, and after a fault none asks it for a second.
_TIMEOUT_S: Final = 1.0
_RETRY_S: Final = 1.0
_SHARED: Final = frozenset(limit.value for limit in LimitClass if not limit.is_exact)
_FAULTS: Final = (RedisError, OSError, TimeoutError)


class RateLimits:
    """Limits the requests of subjects: an account, or an address where no account is known.

    Each process grants from buckets in its memory and adds the grants to Valkey's buckets twice a second. In return it
    learns the grants of other processes. So a subject that spreads its requests over P processes gets at most P
    quotas at once, and one in the long run. Exact classes ask Valkey before they grant.

    While Valkey is away each API process of a node grants its share of the quota.
    """

    def __init__(self, settings: Settings, redis: Redis, namespace: Namespace) -> None:
        self._scripts, self._namespace = BucketScripts(redis), namespace
        self._processes = settings.http.workers
        self._is_away = False
        self._buckets: dict[str, Buckets] = {}
        for quota in quotas_of(settings.limits).values():
            self._buckets_of(quota)
        self._retry_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_sharing(), name="rate limits")

    async def close(self) -> None:
        if self._task:
            await cancel_until_done({self._task})

    def buckets(self, limit: LimitClass) -> Buckets:
        """Return the buckets of a class that is not exact; their times are of `time.perf_counter`."""
        return self._buckets[limit.value]

    async def take(self, limit: LimitClass, subjects: Sequence[object]) -> Verdict:
        """Use the quotas of all subjects once. Returns the verdict of the subject with the least left."""
        buckets = self._buckets[limit.value]
        if limit.is_exact:
            return await self.take_all([Charge(str(subject), buckets.quota) for subject in subjects])
        now = time.perf_counter()
        return max((buckets.take(subject, now) for subject in subjects), key=_scarcity)

    async def take_all(self, charges: Sequence[Charge]) -> Verdict:
        """Take from all buckets or, if one of them is used up, from none. Returns the verdict with the least left.

        Without Valkey, the buckets before the one that is used up are charged too.
        """
        if time.perf_counter() >= self._retry_at:
            try:
                return await self._take_exactly(charges)
            except _FAULTS as fault:
                self._note_fault(fault)
        now = time.perf_counter()
        return max((self._buckets_of(charge.quota).take(charge.subject, now) for charge in charges), key=_scarcity)

    async def give_back(self, charges: Sequence[Charge]) -> None:
        """Undo `take_all`. Without Valkey the requests stay counted."""
        keys = [self._key(charge.quota, charge.subject) for charge in charges]
        try:
            await self._scripts.take(keys, [charge.quota for charge in charges], cost=-1)
        except _FAULTS as fault:
            self._note_fault(fault)

    async def _take_exactly(self, charges: Sequence[Charge]) -> Verdict:
        keys = [self._key(charge.quota, charge.subject) for charge in charges]
        quotas = [charge.quota for charge in charges]
        async with asyncio.timeout(_TIMEOUT_S):
            granted, ahead = await self._scripts.take(keys, quotas)
        self._note_success()
        verdicts = []
        for quota, ahead_s in zip(quotas, ahead, strict=True):
            wait_s = 0.0 if granted else max(0.0, ahead_s + quota.interval_s - quota.window_s)
            verdicts.append(Verdict(quota, ahead_s, wait_s))
        return max(verdicts, key=_scarcity)

    async def _keep_sharing(self) -> None:
        while True:
            raise_if_cancelled()
            await asyncio.sleep(_SHARE_EVERY_S)
            try:
                await self.share()
            except _FAULTS as fault:
                self._note_fault(fault)
                for buckets in self._buckets.values():
                    buckets.forget_unshared()

    async def share(self) -> None:
        """Add the grants of this process to Valkey's buckets, and learn the grants of other processes.

        Raises RedisError, OSError or TimeoutError.
        """
        for buckets in list(self._buckets.values()):
            is_exact = buckets.quota.name not in _SHARED
            while shared := buckets.take_unshared(_BUCKETS_PER_SCRIPT):
                costs = [bucket.unshared for bucket in shared]
                for bucket in shared:
                    bucket.unshared = 0
                if is_exact:
                    continue  # granted while Valkey was away
                ahead = await self._scripts.add(buckets.quota, [bucket.key for bucket in shared], costs)
                self._note_success()
                buckets.learn(shared, ahead, time.perf_counter())

    def _note_success(self) -> None:
        if self._is_away:
            logger.info("Valkey is back: requests are limited by the quotas of all processes together")
            self._is_away = False
            self._use_share(1)

    def _note_fault(self, fault: BaseException) -> None:
        self._retry_at = time.perf_counter() + _RETRY_S
        if not self._is_away:
            logger.warning("Valkey is away: this process limits requests by a share of the quotas: {!r}", fault)
            self._is_away = True
            self._use_share(self._processes)

    def _use_share(self, processes: int) -> None:
        for buckets in self._buckets.values():
            buckets.use_share(processes)

    def _buckets_of(self, quota: Quota) -> Buckets:
        known = self._buckets.get(quota.name)
        if known is None:
            known = self._buckets[quota.name] = Buckets(quota, lambda subject: self._key(quota, subject))
            known.use_share(self._processes if self._is_away else 1)
        return known

    def _key(self, quota: Quota, subject: str) -> str:
        return self._namespace.key(f"limit:{quota.name}:{subject}")


def _scarcity(verdict: Verdict) -> tuple[float, float]:
    return verdict.wait_s, verdict.ahead_s
