"""Write mail into a local folder and read it back, in place of a mail server in development and tests."""

import asyncio
import re
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default
from pathlib import Path
from typing import Final
from uuid import uuid4

from msgspec import Struct

from config.settings import Settings
from grome.infrastructure.jobs.errors import UndeliverableError
from grome.notifications.email.message import Mail, MailDeferredError, compose, safe_name

MAX_LISTED: Final = 200
BOUNCING_DOMAIN, BUSY_DOMAIN = "@bounce.invalid", "@busy.invalid"
_NAME: Final = re.compile(r"[\w=~-]{1,120}", re.ASCII)
_ENDING: Final = ".eml"
_MESSAGE_PARSER: Final = BytesParser(EmailMessage, policy=default)
_HEADER_PARSER: Final = BytesHeaderParser(EmailMessage, policy=default)


class MailSummary(Struct, frozen=True, kw_only=True):
    """Holds one mail of the list; `name` is its key for `find`."""

    name: str
    to: str
    subject: str
    language: str
    at: datetime


class StoredMail(Struct, frozen=True, kw_only=True):
    """Holds a whole mail; `headers` are in their order."""

    line: MailSummary
    headers: list[tuple[str, str]]
    text: str
    html: str


class MailboxFolder:
    """Stores each mail as a file named after its message id, so that a resend replaces the same file.

    Addresses at `bounce.invalid` are refused permanently and those at `busy.invalid` temporarily, as mail servers do.
    """

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        if mail.to.endswith(BOUNCING_DOMAIN):
            raise UndeliverableError("The mailbox answered 550 There is no such address")
        if mail.to.endswith(BUSY_DOMAIN):
            raise MailDeferredError("The mailbox answered 450 The address is busy")
        await asyncio.to_thread(self._write, mail)

    async def list_newest(self, limit: int = MAX_LISTED) -> list[MailSummary]:
        """Return at most `limit` mails, newest first."""
        return await asyncio.to_thread(self._list_newest, limit)

    async def find(self, name: str) -> StoredMail | None:
        return await asyncio.to_thread(self._find, name)

    def _write(self, mail: Mail) -> None:
        """Write atomically: a reader finds the whole file or none, even if this process is killed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{safe_name(mail.message_id)}{_ENDING}"
        unfinished = self._folder / f".{uuid4().hex}"
        unfinished.write_bytes(compose(mail, self._sender).as_bytes())
        unfinished.replace(file)

    def _list_newest(self, limit: int) -> list[MailSummary]:
        found = sorted(self._folder.glob(f"*{_ENDING}"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        return [_summarize(file.stem, _HEADER_PARSER.parsebytes(file.read_bytes())) for file in found[:limit]]

    def _find(self, name: str) -> StoredMail | None:
        file = self._folder / f"{name}{_ENDING}"
        if not _NAME.fullmatch(name) or not file.is_file():
            return None
        message = _MESSAGE_PARSER.parsebytes(file.read_bytes())
        return StoredMail(
            line=_summarize(name, message),
            headers=[(header, str(value)) for header, value in message.items()],
            text=_part(message, "plain"),
            html=_part(message, "html"),
        )


def open_mailbox(settings: Settings) -> MailboxFolder:
    return MailboxFolder(Path(settings.home) / "mailbox", settings.mail.sender)


def _summarize(name: str, message: EmailMessage) -> MailSummary:
    return MailSummary(
        name=name,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        language=str(message["Content-Language"]),
        at=message["Date"].datetime,
    )


def _part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    return str(body.get_content()) if body else ""
