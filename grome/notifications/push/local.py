"""Append push messages to a local file; some tokens fail as they can at FCM."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from grome.common.clock import Clock
from grome.notifications.jsonl_log import JsonlLog
from grome.notifications.push.messages import Failed, Gone, Outcome, Push, PushResult, Sent

MAX_BYTES = 4096
# Failures by the prefix of the token.
FAILURES: dict[str, Outcome] = {
    "gone-": Gone("FCM answered 404 UNREGISTERED"),
    "foreign-": Gone("FCM answered 403 SENDER_ID_MISMATCH"),
    "broken-": Gone("FCM answered 400 INVALID_ARGUMENT"),
    "busy-": Failed("FCM answered 429 QUOTA_EXCEEDED", retry_after_s=30),
    "down-": Failed("FCM answered 503 UNAVAILABLE"),
}


class PushLine(Struct, frozen=True, kw_only=True):
    """Holds one push. `name` derives from id and token, so that a repeat has the same name."""

    name: str
    at: datetime
    id: str
    token: str
    title: str
    body: str
    data: dict[str, str]
    ttl_s: int


class PushLog:
    """Appends pushes to a file. Unlike FCM it drops duplicates by id and token."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._lines, self._clock = JsonlLog(path, PushLine), clock

    async def send(self, tokens: Sequence[str], push: Push) -> PushResult:
        return PushResult.of({token: await self._send(token, push) for token in dict.fromkeys(tokens)})

    async def read(self) -> list[PushLine]:
        """Return all sent pushes, oldest first."""
        return await self._lines.read()

    async def aclose(self) -> None:
        """Do nothing: no resource is held."""

    async def _send(self, token: str, push: Push) -> Outcome:
        for beginning, failure in FAILURES.items():
            if token.startswith(beginning):
                return failure
        if len(msgspec.json.encode((push.title, push.body, push.data))) > MAX_BYTES:
            return Failed("FCM answered 400 INVALID_ARGUMENT", final=True)
        name = f"projects/local/messages/{_digest(push.id, token)}"
        line = PushLine(name=name, at=self._clock(), token=token, **msgspec.structs.asdict(push))
        await self._lines.add(line)
        return Sent(name)


def _digest(push_id: str, token: str) -> str:
    return hashlib.sha256(msgspec.json.encode((push_id, token))).hexdigest()[:32]
