"""Grant or refuse requests by quotas that all processes share; without Valkey each process has a part of them."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar
from zlib import crc32

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.settings import Settings
from grome.infrastructure.cancellation import cancel_until_done, raise_if_cancelled
from grome.infrastructure.rate_limits.buckets import Bucket, Buckets
from grome.infrastructure.rate_limits.models import Charge, LimitClass, Quota, Verdict
from grome.infrastructure.rate_limits.quotas import quotas_of
from grome.infrastructure.rate_limits.scripts import BucketScripts
from grome.infrastructure.redis.client import Namespace
from grome.infrastructure.redis.cluster import ClusterRedis
from grome.infrastructure.redis.slots import slot_of_key

_SHARE_EVERY_S: Final = 0.5
_BUCKETS_PER_SCRIPT: Final = 500
# Buckets are spread over so many slots of a Redis Cluster. A script has the buckets of one slot.
_SHARDS: Final = 64
_ONLY_SLOT: Final = 0
# A request waits no longer for Valkey, and after a fault no request asks it for a second.
_TIMEOUT_S: Final = 1.0
_RETRY_S: Final = 1.0
_SHARED: Final = frozenset(limit.value for limit in LimitClass if not limit.is_exact)
_FAULTS: Final = (RedisError, OSError, TimeoutError)
_Item = TypeVar("_Item")


class RateLimits:
    """Limits the requests of subjects: an account, or an address where no account is known.

    Each process grants from buckets in its memory and adds the grants to Valkey's buckets twice a second. In return it
    learns the grants of other processes. So a subject that spreads its requests over P processes gets at most P
    quotas at once, and one in the long run. Exact classes ask Valkey before they grant.

    While Valkey is away each API process of a node grants its share of the quota. The share also applies while a single
    node of a Redis Cluster is away; the subjects of the other nodes are still counted together.
    """

    def __init__(self, settings: Settings, redis: Redis, namespace: Namespace) -> None:
        self._scripts, self._namespace = BucketScripts(redis), namespace
        self._is_cluster = isinstance(redis, ClusterRedis)
        self._processes = settings.http.workers
        # When a slot that is away may be asked again. A single server counts as one slot.
        self._retry_at: dict[int, float] = {}
        probes = [namespace.key(f"{_tag(shard)}:probe") for shard in range(_SHARDS if self._is_cluster else 1)]
        self._probes = {slot: key for key in probes for slot in self._by_slot([key], str)}
        self._buckets: dict[str, Buckets] = {}
        for quota in quotas_of(settings.limits).values():
            self._buckets_of(quota)
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

        Without Valkey, the buckets before the one that is used up are charged too. On a Redis Cluster buckets of other
        slots are charged for a moment.
        """
        verdicts: list[Verdict] = []
        taken: list[Charge] = []
        for slot, part in self._by_slot(charges, self._charge_key).items():
            verdicts += await self._take_of_slot(slot, part)
            if any(verdict.wait_s for verdict in verdicts):
                if taken:
                    await self.give_back(taken)
                break
            taken += part
        return max(verdicts, key=_scarcity)

    async def give_back(self, charges: Sequence[Charge]) -> None:
        """Undo `take_all`. Without Valkey the requests stay counted."""
        for slot, part in self._by_slot(charges, self._charge_key).items():
            try:
                await self._scripts.take(
                    [self._charge_key(charge) for charge in part], [one.quota for one in part], cost=-1
                )
            except _FAULTS as fault:
                self._note_fault(slot, fault)

    async def _take_of_slot(self, slot: int, charges: Sequence[Charge]) -> list[Verdict]:
        if self._may_ask(slot):
            try:
                return await self._take_exactly(slot, charges)
            except _FAULTS as fault:
                self._note_fault(slot, fault)
        now = time.perf_counter()
        return [self._buckets_of(charge.quota).take(charge.subject, now) for charge in charges]

    async def _take_exactly(self, slot: int, charges: Sequence[Charge]) -> list[Verdict]:
        quotas = [charge.quota for charge in charges]
        async with asyncio.timeout(_TIMEOUT_S):
            granted, ahead = await self._scripts.take(list(map(self._charge_key, charges)), quotas)
        self._note_success(slot)
        verdicts = []
        for quota, ahead_s in zip(quotas, ahead, strict=True):
            wait_s = 0.0 if granted else max(0.0, ahead_s + quota.interval_s - quota.window_s)
            verdicts.append(Verdict(quota, ahead_s, wait_s))
        return verdicts

    async def _keep_sharing(self) -> None:
        while True:
            raise_if_cancelled()
            await asyncio.sleep(_SHARE_EVERY_S)
            await self.share()
            await self._ask_absent_slots()

    async def share(self) -> None:
        """Add the grants of this process to Valkey's buckets, and learn the grants of other processes.

        Grants that cannot be added stay counted in this process only. A slot that fails is not asked twice.
        """
        failed: set[int] = set()
        for buckets in list(self._buckets.values()):
            is_exact = buckets.quota.name not in _SHARED
            while shared := buckets.take_unshared(_BUCKETS_PER_SCRIPT):
                by_slot = self._by_slot([(bucket, bucket.unshared) for bucket in shared], lambda one: one[0].key)
                for bucket in shared:
                    bucket.unshared = 0
                if is_exact:
                    continue  # granted while Valkey was away
                due = [(slot, grants) for slot, grants in by_slot.items() if slot not in failed]
                added = await asyncio.gather(*(self._add(buckets, slot, grants) for slot, grants in due))
                failed.update(slot for (slot, _), ok in zip(due, added, strict=True) if not ok)

    async def _add(self, buckets: Buckets, slot: int, grants: Sequence[tuple[Bucket, int]]) -> bool:
        shared, costs = [bucket for bucket, _ in grants], [cost for _, cost in grants]
        try:
            ahead = await self._scripts.add(buckets.quota, [bucket.key for bucket in shared], costs)
        except _FAULTS as fault:
            self._note_fault(slot, fault)
            return False
        self._note_success(slot)
        buckets.learn(shared, ahead, time.perf_counter())
        return True

    async def _ask_absent_slots(self) -> None:
        """Ask slots that are away for an empty bucket, so that the quotas are whole again without a request."""
        quota = self._buckets[LimitClass.READ.value].quota
        for slot in [slot for slot in self._retry_at if self._may_ask(slot)]:
            try:
                await self._scripts.add(quota, [self._probes[slot]], [0])
            except _FAULTS as fault:
                self._note_fault(slot, fault)
            else:
                self._note_success(slot)

    def _may_ask(self, slot: int) -> bool:
        return time.perf_counter() >= self._retry_at.get(slot, 0.0)

    def _note_success(self, slot: int) -> None:
        if slot in self._retry_at:
            del self._retry_at[slot]
            if not self._retry_at:
                logger.info("Valkey is back: requests are limited by the quotas of all processes together")
                self._use_share(1)

    def _note_fault(self, slot: int, fault: BaseException) -> None:
        if not self._retry_at:
            logger.warning("Valkey is away: this process limits requests by a share of the quotas: {!r}", fault)
            self._use_share(self._processes)
        self._retry_at[slot] = time.perf_counter() + _RETRY_S

    def _use_share(self, processes: int) -> None:
        for buckets in self._buckets.values():
            buckets.use_share(processes)

    def _buckets_of(self, quota: Quota) -> Buckets:
        known = self._buckets.get(quota.name)
        if known is None:
            known = self._buckets[quota.name] = Buckets(quota, lambda subject: self._key(quota, subject))
            known.use_share(self._processes if self._retry_at else 1)
        return known

    def _by_slot(self, items: Iterable[_Item], key_of: Callable[[_Item], str]) -> dict[int, list[_Item]]:
        if not self._is_cluster:
            return {_ONLY_SLOT: list(items)}
        found = defaultdict[int, list[_Item]](list)
        for item in items:
            found[slot_of_key(key_of(item))].append(item)
        return found

    def _charge_key(self, charge: Charge) -> str:
        return self._key(charge.quota, charge.subject)

    def _key(self, quota: Quota, subject: str) -> str:
        return self._namespace.key(f"{_tag(crc32(subject.encode()) % _SHARDS)}:{quota.name}:{subject}")


def _tag(shard: int) -> str:
    return f"{{limit:{shard}}}"


def _scarcity(verdict: Verdict) -> tuple[float, float]:
    return verdict.wait_s, verdict.ahead_s
