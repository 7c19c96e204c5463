"""Faults on demand: rules that break matching API calls."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from grome.dev.local_stripe.errors import Json, UnstoredError, conflict, malformed

KINDS: Final = frozenset(
    {"drop_reply_after", "error_500_after", "error_500_before", "conflict_409", "rate_limit_429", "delay_s"}
)


@dataclass
class Fault:
    """A rule. It breaks `count` matching calls, beginning with the nth; `path` may contain `*`."""

    kind: str
    method: str
    path: str
    nth: int = 1
    count: int = 1
    seconds: float = 0
    seen: int = 0

    def take(self, method: str, path: str) -> bool:
        """Count a matching call, and return whether the rule breaks it."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.count


def read_fault(sent: Json) -> Fault:
    """Read a rule, e.g. `{"kind": "error_500_after", "method": "POST", "path": "/v1/refunds", "nth": 2}`."""
    if sent.get("kind") not in KINDS:
        raise malformed(f"kind must be one of {sorted(KINDS)}", None, "kind")
    try:
        return Fault(**sent)
    except TypeError as error:
        raise malformed(str(error), None, None) from error


def take_fault(faults: list[Fault], method: str, path: str) -> Fault | None:
    """Return the first rule that breaks this call. All matching rules count it."""
    return next(iter([rule for rule in faults if rule.take(method, path)]), None)


def raise_before(fault: Fault | None) -> None:
    """Raise the error of a fault that stops the call before its execution."""
    match fault.kind if fault else None:
        case "error_500_before":
            raise UnstoredError(500, "api_error", None, "An unknown error occurred")
        case "conflict_409":
            raise conflict("lock_timeout", "This object cannot be accessed right now because of another request")
        case "rate_limit_429":
            raise UnstoredError(429, "invalid_request_error", "rate_limit", "Too many requests")
