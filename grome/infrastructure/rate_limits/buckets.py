"""Buckets of one quota in the memory of a process, by the generic cell rate algorithm (GCRA).

A bucket is one time, `full_at`: when it is full again. A request moves it by the quota's interval, and is refused if it
would then lie more than a window ahead.
"""

from collections.abc import Callable, Sequence
from typing import Final

from grome.infrastructure.rate_limits.models import Quota, Verdict

# With the two generations about 40 MB at worst.
_MAX_BUCKETS: Final = 100_000
_ROUNDING_S: Final = 1e-6


class Bucket:
    """`key` is the bucket's name in Valkey; `unshared` counts requests that Valkey does not know of yet."""

    __slots__ = ("full_at", "key", "unshared")

    def __init__(self, key: str) -> None:
        self.key, self.full_at, self.unshared = key, 0.0, 0


class Buckets:
    """Holds the buckets of one quota by subject.

    There are two generations. A bucket that no request has touched for a window is full, so the older generation can be
    dropped when the younger one is that old. It is also dropped when the younger one has too many buckets; Valkey still
    knows them then.
    """

    def __init__(self, quota: Quota, name_key: Callable[[str], str]) -> None:
        self.quota, self._window_s, self._step_s = quota, quota.window_s, quota.interval_s
        self._most_ahead_s = quota.window_s + _ROUNDING_S
        self._name_key = name_key
        self._young: dict[object, Bucket] = {}
        self._old: dict[object, Bucket] = {}
        self._born_at = 0.0
        self._unshared: list[Bucket] = []

    def __len__(self) -> int:
        return len(self._young) + len(self._old.keys() - self._young.keys())

    def use_share(self, processes: int) -> None:
        """Grant a share of the quota, at least one request, from now on; 1 is the whole quota."""
        self._step_s = self.quota.interval_s * min(processes, self.quota.amount)

    def spend(self, subject: object, now: float) -> float | None:
        """Return the seconds until the bucket is full again. Returns None, and takes nothing, if it is used up.

        `subject` is a hashable value with a unique text, e.g. an id or an address. `now` is a monotonic time.
        """
        bucket = self._young.get(subject) or self._find(subject, now)
        full_at = bucket.full_at
        ahead = (full_at - now if full_at > now else 0.0) + self._step_s
        if ahead > self._most_ahead_s:
            return None
        bucket.full_at = now + ahead
        if not bucket.unshared:
            self._unshared.append(bucket)
        bucket.unshared += 1
        return ahead

    def take(self, subject: object, now: float) -> Verdict:
        """Spend, and say how long to wait if the bucket is used up."""
        ahead = self.spend(subject, now)
        if ahead is None:
            ahead = self._find(subject, now).full_at - now
            return Verdict(self.quota, ahead, ahead + self._step_s - self._window_s)
        return Verdict(self.quota, ahead, 0.0)

    def learn(self, shared: Sequence[Bucket], ahead_s: Sequence[float], now: float) -> None:
        """Take over the requests that all processes have granted; a bucket is never set back."""
        window_s, step_s = self._window_s, self._step_s
        for bucket, ahead in zip(shared, ahead_s, strict=True):
            full_at = now + min(ahead + bucket.unshared * step_s, window_s)
            bucket.full_at = max(bucket.full_at, full_at)

    def take_unshared(self, at_most: int) -> list[Bucket]:
        """Remove and return buckets with requests that Valkey does not know of yet."""
        taken, self._unshared = self._unshared[:at_most], self._unshared[at_most:]
        return taken

    def _find(self, subject: object, now: float) -> Bucket:
        if now - self._born_at > self._window_s or len(self._young) >= _MAX_BUCKETS:
            self._young, self._old, self._born_at = {}, self._young, now
        bucket = self._young.get(subject) or self._old.get(subject) or Bucket(self._name_key(str(subject)))
        self._young[subject] = bucket
        return bucket
