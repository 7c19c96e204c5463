"""Define a mail, compose its MIME message, and define the protocol of mailers."""

import hashlib
import re
from contextlib import suppress
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import parseaddr
from typing import Any, Final, Protocol
from urllib.parse import quote

from msgspec import Struct

from grome.common.email_addresses import ascii_domain
from grome.common.languages import Language
from grome.infrastructure.jobs.errors import UndeliverableError
from grome.infrastructure.transient_errors import RecipientError
from grome.notifications.models import RenderedMessage

_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MAX_NAME_CHARS: Final = 120  # fits a file name and a header line, with prefix and suffix


class Mail(Struct, frozen=True, kw_only=True):
    """A mail to one address. Receivers drop duplicates by `message_id`, which stays the same at every try.

    `message_id` can be any text, e.g. a job's id. `unsubscribe` is a URL that unsubscribes at a POST without further
    questions (RFC 8058).
    """

    message_id: str
    to: str
    language: Language
    rendered: RenderedMessage
    at: datetime
    unsubscribe: str | None = None


class MailDeferredError(RecipientError):
    """Raised for a temporary refusal by the receiving server (a 4xx code)."""


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Send a mail; after any error other than the two below, the same mail can be sent again later.

        Raises UndeliverableError if the recipient or the message is refused for good, and PermanentJobError if the mail
        server lacks a feature that the address needs.
        """


class _UnfoldedHeader(UnstructuredHeader, BaseHeader):
    """Writes a header on one line.

    Folding would cut a long URL into encoded words, which no receiver reads as a URL.
    """

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class _LiteralHeader(UnstructuredHeader, BaseHeader):
    """Writes a header exactly as given.

    The library would decode encoded words in it, and their line breaks would begin new headers: a subject can contain a
    name such as `=?utf-8?q?=0D=0ABcc:...?=`.
    """

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["parse_tree"], kwds["decoded"] = None, value

    def fold(self, *, policy: Policy) -> str:
        plain = self.isascii() and "=?" not in self
        header = Header(str(self), "us-ascii" if plain else "utf-8", header_name=self.name)
        return f"{self.name}: {header.encode(linesep=policy.linesep)}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("subject", _LiteralHeader)
_HEADERS.map_to_type("list-unsubscribe", _UnfoldedHeader)


def safe_name(message_id: str) -> str:
    """Encode `message_id` for Message-ID, file name and URL. Two different ids never become equal."""
    name = quote(message_id, safe="").replace(".", "%2E").replace("%", "=")
    return name if len(name) <= _MAX_NAME_CHARS else hashlib.sha256(message_id.encode()).hexdigest()


def _address(address: str) -> Address:
    """Build an address with its domain in ASCII form.

    Raises UndeliverableError if the domain is not a possible mail server's, or if the local part begins an encoded
    word, which the library would decode (see `_LiteralHeader`).
    """
    local, _, domain = address.rpartition("@")
    with suppress(ValueError):
        sent_to = ascii_domain(domain)
        if _DOMAIN.fullmatch(sent_to) and "=?" not in local:
            return Address(username=local, domain=sent_to)
    raise UndeliverableError("Mail cannot be sent to the address")


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Build the MIME message of a mail. Raises UndeliverableError if the address is invalid.

    `sender` is a whole From, e.g. `Grome <mail@grome.example>`.
    """
    to = _address(mail.to)
    message = EmailMessage(SMTP.clone(header_factory=_HEADERS, utf8=not to.addr_spec.isascii()))
    message["From"] = sender
    message["To"] = to
    message["Subject"] = mail.rendered.subject
    message["Date"] = mail.at
    message["Message-ID"] = f"<{safe_name(mail.message_id)}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.rendered.text, cte="quoted-printable")
    message.add_alternative(mail.rendered.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = mail.language  # only now: setting the content clears all Content- headers
    return message
