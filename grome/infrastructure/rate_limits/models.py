"""Classes of routes and their quotas."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

# A bucket that just gave its first request is one interval ahead, and not a billionth more.
_ROUNDS_UP: Final = 1 - 1e-4


class LimitClass(StrEnum):
    """The class of a route decides which of a subject's quotas a request uses.

    SIGN_IN, CODES and COSTLY are counted exactly, by a call to Valkey for each request. The others are counted in each
    process and added up every half second.
    """

    READ = "read"
    WRITE = "write"
    SEARCH = "search"
    SIGN_IN = "sign_in"
    CODES = "codes"
    COSTLY = "costly"
    UNLIMITED = "unlimited"

    @property
    def is_exact(self) -> bool:
        return self in _EXACT


_EXACT: Final = frozenset({LimitClass.SIGN_IN, LimitClass.CODES, LimitClass.COSTLY})


class Quota(Struct, frozen=True):
    """At most `amount` requests at once, and as many in each window of `window_s` seconds in the long run."""

    name: str
    amount: int
    window_s: float

    @property
    def interval_s(self) -> float:
        """The time in which one request of the quota comes back."""
        return self.window_s / self.amount

    @property
    def policy(self) -> bytes:
        """The value of the header `RateLimit-Policy`."""
        return b'"%b";q=%d;w=%d' % (self.name.encode(), self.amount, self.window_s)

    def state(self, ahead_s: float) -> bytes:
        """Return the value of the header `RateLimit` for a bucket that is full again in `ahead_s` seconds."""
        return b'"%b";r=%d;t=%d' % (self.name.encode(), *self.left(ahead_s))

    def left(self, ahead_s: float) -> tuple[int, int]:
        """Return the requests that are left, and the seconds until all are, rounded to the unfavourable side."""
        return (
            self.amount - int(ahead_s * self.amount / self.window_s + _ROUNDS_UP),
            int(ahead_s + _ROUNDS_UP),
        )


class Charge(Struct, frozen=True):
    """One request of a subject, to be counted in a quota."""

    subject: str
    quota: Quota


class Verdict(Struct, frozen=True):
    """The answer to a request for a place in a quota.

    `ahead_s` is the time until the bucket is full again, and `wait_s` the time until a refused request can succeed; it
    is 0 for a granted one.
    """

    quota: Quota
    ahead_s: float
    wait_s: float
