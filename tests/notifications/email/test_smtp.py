"""Test SmtpMailer against a real mail server in the test."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from config.sections.messages import MailSettings
from grome.infrastructure.jobs.errors import PermanentJobError, UndeliverableError
from grome.notifications.email.message import MailDeferredError
from grome.notifications.email.smtp import SmtpMailer
from tests.builders.mails import mail
from tests.builders.messages import UNSUBSCRIBE

SETTINGS = MailSettings(transport="smtp", security="none", timeout_s=5, sender="Grome <no-reply@grome.example>")


class Receiver:
    """Stores received mail; `recipient` and `data` are replies to give instead, the last after `pause_s`."""

    def __init__(self, *, recipient: str = "", data: str = "", pause_s: float = 0) -> None:
        self.recipient, self.data, self.pause_s = recipient, data, pause_s
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 -- as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.recipient:
            return self.recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.pause_s)
        if not self.data:
            self.envelopes.append(envelope)
        return self.data or "250 OK"


@asynccontextmanager
async def mail_server(
    receiver: Receiver, ssl: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[MailSettings]:
    """Yield the settings to reach the server; with `ssl`, the connection is encrypted from the start."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(receiver, hostname="test", **options), "127.0.0.1", 0, ssl=ssl)
    try:
        yield replace(SETTINGS, port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


async def test_smtp_delivers_a_mail() -> None:
    receiver, sent = Receiver(), mail(unsubscribe=UNSUBSCRIBE, language="ja")
    async with mail_server(receiver) as settings:
        await SmtpMailer(settings).send(sent)
    [envelope] = receiver.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@grome.example", ["sam@example.com"])
    assert isinstance(envelope.content, bytes)
    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode() in envelope.content
    message = message_from_bytes(envelope.content, EmailMessage, policy=default)
    assert message["Subject"] == sent.rendered.subject
    assert message["Content-Language"] == "ja"


async def test_smtp_resend_has_the_same_message_id() -> None:
    receiver, sent = Receiver(), mail()
    async with mail_server(receiver) as settings:
        await SmtpMailer(settings).send(sent)
        await SmtpMailer(settings).send(sent)
    first, second = (message_from_bytes(bytes(one.content or b""), policy=default) for one in receiver.envelopes)
    assert first["Message-ID"] == second["Message-ID"] is not None


@pytest.mark.parametrize("stage", ["recipient", "data"])
async def test_smtp_permanent_refusal_is_undeliverable(stage: str) -> None:
    async with mail_server(Receiver(**{stage: "550 5.1.1 No such person"})) as settings:
        with pytest.raises(UndeliverableError, match=r"550 5\.1\.1 No such person"):
            await SmtpMailer(settings).send(mail())


@pytest.mark.parametrize("stage", ["recipient", "data"])
@pytest.mark.parametrize("answer", ["450 4.2.1 Busy", "451 4.7.1 Greylisted", "452 4.2.2 Full"])
async def test_smtp_temporary_refusal_is_retried(stage: str, answer: str) -> None:
    receiver = Receiver(**{stage: answer})
    async with mail_server(receiver) as settings:
        with pytest.raises(MailDeferredError, match=answer):
            await SmtpMailer(settings).send(mail())
        receiver.recipient = receiver.data = ""
        await SmtpMailer(settings).send(mail())
    assert len(receiver.envelopes) == 1


async def test_smtp_server_that_hangs_times_out() -> None:
    async with mail_server(Receiver(pause_s=30)) as settings:
        with pytest.raises(TimeoutError):
            await SmtpMailer(replace(settings, timeout_s=0.3)).send(mail())


async def test_smtp_server_without_greeting_times_out() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    settings = replace(SETTINGS, port=server.sockets[0].getsockname()[1], timeout_s=0.3)
    with pytest.raises(TimeoutError):
        await SmtpMailer(settings).send(mail())
    server.close()
    await server.wait_closed()


async def test_smtp_server_that_is_down_raises_a_connection_error() -> None:
    with pytest.raises(OSError, match="Connect"):
        await SmtpMailer(replace(SETTINGS, port=1)).send(mail())


def _only_right(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
) -> AuthResult:
    return AuthResult(success=login == LoginPassword(b"grome", b"right"), handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the test's server, of itself
async def test_smtp_wrong_password_is_retried() -> None:
    """The operator must correct a wrong password, so the mail is retried although the code is 535."""
    receiver = Receiver()
    options = {"authenticator": _only_right, "auth_require_tls": False, "auth_required": True}
    async with mail_server(receiver, **options) as settings:
        await SmtpMailer(replace(settings, username="grome", password="right")).send(mail())
        assert len(receiver.envelopes) == 1
        with pytest.raises(aiosmtplib.SMTPAuthenticationError, match="535"):
            await SmtpMailer(replace(settings, username="grome", password="wrong")).send(mail())
        with pytest.raises(aiosmtplib.SMTPException, match="530"):
            await SmtpMailer(settings).send(mail())


async def test_smtp_with_encryption_never_sends_plain_text() -> None:
    receiver = Receiver()
    async with mail_server(receiver) as settings:
        with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"):
            await SmtpMailer(replace(settings, security="starttls")).send(mail())
        with pytest.raises(OSError, match="connect"):
            await SmtpMailer(replace(settings, security="tls")).send(mail())
    assert receiver.envelopes == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_smtp_encryption_checks_the_certificate(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, security: Literal["starttls", "tls"]
) -> None:
    """Only a server with a trusted certificate gets the mail."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    options = {"ssl": context} if security == "tls" else {"tls_context": context, "require_starttls": True}
    receiver = Receiver()
    async with mail_server(receiver, **options) as settings:
        mailer = SmtpMailer(replace(settings, security=security))
        with pytest.raises((OSError, aiosmtplib.SMTPException), match="certificate verify failed"):
            await mailer.send(mail())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await mailer.send(mail())
    assert len(receiver.envelopes) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write key and self-signed certificate of 127.0.0.1 into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of a test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path_factory.mktemp("certificate") / "server.pem"
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("address", "envelope"),
    [
        ("josé@exämple.com", "josé@xn--exmple-cua.com"),
        ("a,b@example.com", '"a,b"@example.com'),
        ("a>b@example.com", '"a>b"@example.com'),
    ],
)
async def test_smtp_delivers_to_odd_addresses(address: str, envelope: str) -> None:
    receiver = Receiver()
    async with mail_server(receiver, enable_SMTPUTF8=True) as settings:
        await SmtpMailer(settings).send(mail(to=address))
    assert receiver.envelopes[0].rcpt_tos == [envelope]


async def test_smtp_without_utf8_refuses_a_non_ascii_address_permanently() -> None:
    receiver = Receiver()
    async with mail_server(receiver, enable_SMTPUTF8=False) as settings:
        with pytest.raises(PermanentJobError, match="SMTPUTF8") as refused:
            await SmtpMailer(settings).send(mail(to="josé@example.com"))
        await SmtpMailer(settings).send(mail(to="sam@exämple.com"))
    assert "josé" not in str(refused.value)
    assert receiver.envelopes[0].rcpt_tos == ["sam@xn--exmple-cua.com"]
