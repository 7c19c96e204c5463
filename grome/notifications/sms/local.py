"""Append text messages to a local file; some numbers fail as they can at SNS."""

import hashlib
import re
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from grome.common.clock import Clock
from grome.notifications.jsonl_log import JsonlLog
from grome.notifications.sms.sender import sms_error

E164 = re.compile(r"\+[1-9]\d{6,14}")
# Numbers that are never assigned, with code and status of SNS's response.
FAILURES = {
    "+19990000001": ("InvalidParameter", 400),
    "+19990000002": ("OptedOut", 400),
    "+19990000003": ("Throttled", 429),
    "+19990000004": ("InternalError", 500),
}


class SmsLine(Struct, frozen=True, kw_only=True):
    name: str
    at: datetime
    id: str
    phone: str
    text: str


class SmsLog:
    """Appends text messages to a file. Unlike SNS it drops duplicates by id."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._lines, self._clock = JsonlLog(path, SmsLine), clock

    async def send(self, phone: str, text: str, id: str) -> str:  # noqa: A002 -- as in SmsSender
        if failure := FAILURES.get(phone, None if E164.fullmatch(phone) else ("InvalidParameter", 400)):
            raise sms_error(*failure, retry_after_s=None)
        name = hashlib.sha256(id.encode()).hexdigest()[:32]
        await self._lines.add(SmsLine(name=name, at=self._clock(), id=id, phone=phone, text=text))
        return name

    async def read(self) -> list[SmsLine]:
        """Return all sent texts, oldest first."""
        return await self._lines.read()

    async def aclose(self) -> None:
        """Do nothing: no resource is held."""
