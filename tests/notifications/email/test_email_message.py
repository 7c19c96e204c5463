"""Test the MIME message of a mail and its safety from header injection."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.common.languages import LANGUAGES
from grome.infrastructure.jobs.errors import UndeliverableError
from grome.notifications.email.message import Mail, compose, safe_name
from tests.builders.mails import mail
from tests.builders.messages import UNSUBSCRIBE, samples

SENDER = "Grome <no-reply@grome.example>"
HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Language",
]  # fmt: skip
ENCODED = "=?utf-8?q?a=0D=0ABcc:_x=40evil.example?="


def received(sent: Mail) -> EmailMessage:
    """Parse a message as a receiver does."""
    parsed = message_from_bytes(compose(sent, SENDER).as_bytes(), EmailMessage, policy=default)
    assert not parsed.defects
    return parsed


def with_subject(subject: str) -> Mail:
    usual = mail()
    return msgspec.structs.replace(usual, rendered=msgspec.structs.replace(usual.rendered, subject=subject))


def test_mail_has_its_headers() -> None:
    message = received(mail(message_id="018f:mail:7"))
    assert message["From"] == SENDER
    assert message["To"] == "sam@example.com"
    assert message["Message-ID"] == "<018f=3Amail=3A7@grome.example>"
    assert message["Date"].datetime == datetime(2026, 7, 14, 8, tzinfo=UTC)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "en"
    assert message.get_content_type() == "multipart/alternative"
    assert sorted(message.keys()) == sorted(HEADERS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_keeps_the_rendered_content(language: str) -> None:
    for sample in samples():
        sent = mail(sample=sample, language=language)
        message = received(sent)
        assert message["Subject"] == sent.rendered.subject
        plain, html = message.iter_parts()
        assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        assert plain.get_content().replace("\r\n", "\n") == sent.rendered.text
        assert html.get_content().replace("\r\n", "\n").strip() == sent.rendered.html.strip()
        assert message["Content-Language"] == language


def test_mail_has_one_click_unsubscribe_headers() -> None:
    """RFC 8058. The header is not folded: a URL in encoded words is not read as a URL."""
    raw = compose(mail(unsubscribe=UNSUBSCRIBE), SENDER).as_bytes()
    assert f"\r\nList-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert len(UNSUBSCRIBE) > 100
    assert b"List-Unsubscribe" not in compose(mail(), SENDER).as_bytes()


@given(pieces=st.lists(st.text(max_size=20) | st.sampled_from([ENCODED, "é", " ", "日本", "=?", "?="]), max_size=9))
def test_any_subject_arrives_without_injected_headers(pieces: list[str]) -> None:
    printable = "".join(letter for letter in "".join(pieces) if letter.isprintable())
    subject = " ".join(printable.split())
    raw = compose(with_subject(subject), SENDER).as_bytes()
    message = message_from_bytes(raw, EmailMessage, policy=default)
    assert sorted(message.keys()) == sorted(HEADERS)
    assert message["Subject"] == subject
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize("subject", ["a\r\nBcc: x@evil.example", "a\nb"])
def test_subject_with_a_line_break_raises(subject: str) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        compose(with_subject(subject), SENDER)


@pytest.mark.parametrize(
    ("address", "header"),
    [
        ("a,b@example.com", '"a,b"@example.com'),
        ('q"x@example.com', '"q\\"x"@example.com'),
        ("a:b;@example.com", '"a:b;"@example.com'),
        ("sam@exämple.com", "sam@xn--exmple-cua.com"),
        ("sam@straße.example", "sam@xn--strae-oqa.example"),  # strasse.example is another domain
        ("josé@example.com", "josé@example.com"),
        ("x" * 64 + "@" + "y" * 63 + ".example", "x" * 64 + "@" + "y" * 63 + ".example"),
    ],
)
def test_odd_address_stays_a_single_address(address: str, header: str) -> None:
    message = received(mail(to=address))
    assert message["To"] == header
    assert len(message["To"].addresses) == 1


@pytest.mark.parametrize(
    "address",
    [
        f"{ENCODED}@example.com",
        "a@b,c.example",
        "a@<b>.example",
        "a@b(c).example",
        "a@" + "z" * 64 + ".example",
        "a@b..c",
        "a",
    ],
)
def test_invalid_address_is_undeliverable(address: str) -> None:
    with pytest.raises(UndeliverableError):
        compose(mail(to=address), SENDER)


@given(ids=st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), min_size=2, max_size=5))
def test_safe_name_is_valid_and_unique(ids: set[str]) -> None:
    made = {safe_name(one) for one in ids}
    assert len(made) == len(ids)
    for name in made:
        assert name.isascii()
        assert not set(name) & set("./\\%<>@ \r\n")
        assert 0 < len(name) <= 120
