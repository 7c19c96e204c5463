"""Send mail through a mail server."""

import asyncio
from email.utils import parseaddr

import aiosmtplib

from config.sections.messages import MailSettings
from grome.infrastructure.jobs.errors import PermanentJobError, UndeliverableError
from grome.notifications.email.message import Mail, MailDeferredError, compose

_PERMANENT = range(500, 600)


class SmtpMailer:
    """Opens a connection for each mail."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Send a mail as Mailer describes.

        Raises SMTPException if the server refuses us, e.g. the password, and not the mail.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._send(mail)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _error_for(refused.recipients[0]) from refused
        except aiosmtplib.SMTPDataError as refused:
            raise _error_for(refused) from refused
        except aiosmtplib.SMTPNotSupported as refused:
            # An address that is not ASCII must be rejected (RFC 6531, section 3.2), and no later try changes that.
            raise PermanentJobError("The mail server does not support addresses beyond ASCII (SMTPUTF8)") from refused

    async def _send(self, mail: Mail) -> None:
        settings, message = self._settings, compose(mail, self._settings.sender)
        await aiosmtplib.send(
            message,
            sender=parseaddr(settings.sender)[1],
            recipients=[message["To"].addresses[0].addr_spec],
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            timeout=settings.timeout_s,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
        )


def _error_for(refused: aiosmtplib.SMTPResponseException) -> Exception:
    """Return a permanent or temporary error by the code, since the library has one class for both."""
    kind = UndeliverableError if refused.code in _PERMANENT else MailDeferredError
    return kind(f"The mail server answered {refused.code} {refused.message}")
