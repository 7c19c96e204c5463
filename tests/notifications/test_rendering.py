"""Test rendered messages."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from typing import Any
from zoneinfo import available_timezones

import pytest
from babel import Locale

from grome.bookings.models import Settlement
from grome.common.languages import LANGUAGES, Language
from grome.notifications.models import MessageKind, RenderedMessage, VerificationFacts
from grome.notifications.rendering import SHORT_MAX_CHARS, render
from grome.promos.models import Discount
from tests.builders.mail_page import MailPage
from tests.builders.messages import (
    FACTS_BY_KIND,
    LINK,
    TO_EITHER,
    UNSUBSCRIBE,
    account_facts,
    booking_facts,
    payout_facts,
    samples,
)

SAMPLES = list(samples())
each_language = pytest.mark.parametrize("language", LANGUAGES)


def booking(
    kind: MessageKind, language: Language = "en", reads_in: str = "Europe/Berlin", **changes: Any
) -> RenderedMessage:
    return render(kind, booking_facts(**changes), language, reads_in)


@cache
def rendered(kind: MessageKind, variant: str, language: Language) -> tuple[RenderedMessage, MailPage]:
    """Return the message and its page of the sample, rendered once for all tests."""
    (sample,) = (one for one in SAMPLES if (one.kind, one.variant) == (kind, variant))
    message = sample.render(language)
    return message, MailPage(message.html)


def shown_in_mail(message: RenderedMessage) -> str:
    return MailPage(message.html).text


@each_language
def test_message_renders_in_every_language(language: Language) -> None:
    for sample in SAMPLES:
        message, page = rendered(sample.kind, sample.variant, language)
        for part in (message.subject, message.title, message.short, message.text, page.text):
            assert part.strip(), sample
            assert not re.search(r"[{}]|None|Undefined|Typed\(", part), (sample, part)
        assert len(message.short) <= SHORT_MAX_CHARS, sample
        assert "\n" not in message.subject + message.title + message.short
        assert page.attributes["html"] == {
            "lang": language,
            "dir": Locale.parse(language).text_direction,
        }
        assert set(page.attributes["table"]) >= {"role"}


@each_language
def test_html_and_text_have_the_same_content(language: Language) -> None:
    """Compares line by line, without isolates and links, which only the plain text shows."""
    for sample in SAMPLES:
        message, page = rendered(sample.kind, sample.variant, language)
        plain = re.sub("[\u2068\u2069]", "", message.text)
        words = page.text.replace(" ", "")
        for line in plain.splitlines():
            if line.startswith("https://"):
                assert line in page.links, sample
            elif line != "--":
                for part in re.split(r"\xa0: |: |：|:$", line.replace("\xa0: ", ": ")):
                    assert part.replace("\xa0", " ").replace(" ", "") in words, (sample, part)


@each_language
def test_mail_has_one_button_and_one_unsubscribe_link(language: Language) -> None:
    for sample in SAMPLES:
        _, page = rendered(sample.kind, sample.variant, language)
        button = [LINK] if sample.variant != "by code" else []
        assert page.links == [*button, UNSUBSCRIBE], sample
        without = render(sample.kind, sample.facts, language, "UTC")
        assert MailPage(without.html).links == button
        assert UNSUBSCRIBE not in without.text + without.html


@each_language
def test_customer_and_barber_get_different_texts(language: Language) -> None:
    for kind in MessageKind:
        if kind in TO_EITHER:
            told = FACTS_BY_KIND.get(kind, {})
            customer, barber = (booking(kind, language, to_barber=side, **told) for side in (False, True))
            assert customer.subject != barber.subject
            assert customer.short != barber.short


def test_mail_in_english_is_complete() -> None:
    message = booking(MessageKind.BOOKING_REQUESTED, to_barber=True, note="Side door,\n please")
    assert message.text == (
        "New booking request\n\n"
        "Hello Sam,\n\n"
        "Corner Barbers would like to book an appointment with you.\n\n"
        "Please accept or decline the request soon: the time is held until then.\n\n"
        "Date: Wednesday, July 15, 2026\n"
        "Time: 2:30\xa0PM – 3:15\xa0PM\n"
        "Haircut: €32.00\n"
        "Beard trim: €14.50\n"
        "Total: €46.50\n"
        "Note: Side door, please\n\n"
        f"Answer request:\n{LINK}\n\n"
        "--\nYou receive this message because you have an account at Grome.\n"
    )


@pytest.mark.parametrize(
    ("language", "date", "time"),
    [
        ("en", "Wednesday, July 15, 2026", "2:30 PM – 3:15 PM"),
        ("es", "miércoles, 15 de julio de 2026", "14:30 – 15:15 h"),
        ("fr", "mercredi 15 juillet 2026", "14:30 – 15:15"),
        ("de", "Mittwoch, 15. Juli 2026", "14:30 – 15:15 Uhr"),
        ("ar", "الأربعاء، 15 يوليو 2026", "2:30 م – 3:15 م"),
        ("ja", "2026年7月15日水曜日", "14:30〜15:15"),
    ],
)
def test_dates_and_times_follow_the_language(language: Language, date: str, time: str) -> None:
    shown = shown_in_mail(booking(MessageKind.BOOKING_ACCEPTED, language))
    assert date in shown
    assert time in shown


@pytest.mark.parametrize(
    ("language", "figures", "name"),
    [
        ("en", "2:30 PM (GMT+02:00)", "Central European Summer Time"),
        ("es", "14:30 h (GMT+02:00)", "hora de verano de Europa central"),
        ("fr", "14:30 (UTC+02:00)", "heure d’été d’Europe centrale"),
        ("de", "14:30 Uhr (GMT+02:00)", "Mitteleuropäische Sommerzeit"),
        ("ar", "2:30 م (غرينتش+02:00)", "توقيت وسط أوروبا الصيفي"),
        ("ja", "14:30 GMT+02:00", "中央ヨーロッパ夏時間"),
    ],
)
def test_time_for_a_reader_elsewhere_names_the_zone(language: Language, figures: str, name: str) -> None:
    abroad = booking(MessageKind.BOOKING_REMINDER, language, "Asia/Tokyo")
    assert figures in abroad.short
    assert name in shown_in_mail(abroad)
    for neighbour in ("Europe/Berlin", "Europe/Paris", "Africa/Johannesburg"):  # where clocks show the same that day
        at_home = booking(MessageKind.BOOKING_REMINDER, language, neighbour)
        assert figures not in at_home.short
        assert name not in shown_in_mail(at_home)


def test_zone_comparison_uses_the_offset_of_the_day() -> None:
    """Phoenix and Denver have the same time in winter only."""
    winter = {"starts_at": datetime(2026, 1, 15, 17, tzinfo=UTC), "ends_at": datetime(2026, 1, 15, 18, tzinfo=UTC)}
    summer = {"starts_at": datetime(2026, 7, 15, 17, tzinfo=UTC), "ends_at": datetime(2026, 7, 15, 18, tzinfo=UTC)}
    kind, denver = MessageKind.BOOKING_ACCEPTED, {"timezone": "America/Denver"}
    assert "GMT" not in booking(kind, "en", "America/Phoenix", **denver, **winter).short
    assert "11:00 AM (GMT-06:00)" in booking(kind, "en", "America/Phoenix", **denver, **summer).short


def test_repeated_hour_names_its_offset() -> None:
    """In Berlin, 02:30 occurs twice on 25 October 2026: at 00:30 and 01:30 UTC."""
    ends = datetime(2026, 10, 25, 1, 45, tzinfo=UTC)
    first = booking(MessageKind.BOOKING_ACCEPTED, starts_at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ends_at=ends)
    second = booking(MessageKind.BOOKING_ACCEPTED, starts_at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC), ends_at=ends)
    assert "2:30 AM (GMT+02:00)" in first.short
    assert "2:30 AM (GMT+01:00)" in second.short
    assert "2:30 AM (GMT+02:00) – 2:45 AM (GMT+01:00)" in shown_in_mail(first)
    assert "2:30 AM – 2:45 AM (Central European Standard Time)" in shown_in_mail(second)


def test_day_is_in_the_shops_zone() -> None:
    late = {"starts_at": datetime(2026, 7, 15, 22, 30, tzinfo=UTC), "ends_at": datetime(2026, 7, 15, 23, tzinfo=UTC)}
    assert "Thursday, July 16, 2026" in booking(MessageKind.BOOKING_ACCEPTED, "en", "UTC", **late).text
    assert "July 15" in booking(MessageKind.BOOKING_ACCEPTED, "en", "UTC", timezone="Europe/London", **late).text


def test_time_without_zone_is_wall_time() -> None:
    wall = {"starts_at": datetime(2026, 7, 15, 14, 30), "ends_at": datetime(2026, 7, 15, 15, 15)}  # noqa: DTZ001
    assert booking(MessageKind.RECEIPT, **wall) == booking(MessageKind.RECEIPT)


def test_account_message_uses_the_readers_zone() -> None:
    facts = account_facts(MessageKind.NEW_DEVICE)
    tokyo = render(MessageKind.NEW_DEVICE, facts, "en", "Asia/Tokyo")
    assert "Time: 9:30\xa0PM\n" in tokyo.text
    assert "Device: Pixel 8" in tokyo.text


def test_every_zone_has_a_name_in_every_language() -> None:
    for zone in sorted(available_timezones() - {"localtime"}):
        for language in LANGUAGES:
            message = booking(MessageKind.BOOKING_REMINDER, language, "Pacific/Kiritimati", timezone=zone)
            assert len(message.short) <= SHORT_MAX_CHARS


@each_language
def test_short_text_with_two_foreign_times_fits(language: Language) -> None:
    """Uses days with long names and a reader in another zone."""
    for month, day in ((1, 21), (2, 25), (9, 21)):
        start = datetime(2026, month, day, 10, 45, tzinfo=UTC)
        times = {"starts_at": start, "ends_at": start, "other_name": "Corner Barbers", "is_request": True}
        for kind, told in FACTS_BY_KIND.items():
            until = {"answer_by": start - timedelta(days=1)} if "answer_by" in told else {}
            for side in (False, True):
                facts = {**told, **times, **until}
                assert len(booking(kind, language, "Asia/Tokyo", to_barber=side, **facts).short) <= SHORT_MAX_CHARS


@pytest.mark.parametrize(
    ("language", "currency", "amount", "shown"),
    [
        ("en", "EUR", 4650, "€46.50"),
        ("en", "JPY", 4650, "¥4,650"),
        ("en", "KWD", 4650, "KWD4.650"),
        ("en", "HUF", 465_050, "HUF4,650.50"),
        ("en", "IQD", 4_650_000, "IQD4,650.000"),
        ("en", "USD", 0, "$0.00"),
        ("en", "ZZZ", 5, "ZZZ0.05"),
        ("es", "EUR", 123_456_789, "1.234.567,89 €"),
        ("es", "JPY", 4650, "4.650 JPY"),
        ("fr", "EUR", 123_456_789, "1 234 567,89 €"),
        ("fr", "KWD", 4650, "4,650 KWD"),
        ("de", "EUR", 4650, "46,50 €"),
        ("de", "JPY", 4650, "4.650 ¥"),
        ("ar", "KWD", 4650, "\u200f4.650 د.ك.\u200f"),
        ("ar", "EUR", 4650, "\u200f46.50 €"),
        ("ja", "JPY", 4650, "￥4,650"),
        ("ja", "EUR", 4650, "€46.50"),
    ],
)
def test_prices_follow_language_and_currency(language: Language, currency: str, amount: int, shown: str) -> None:
    message = booking(MessageKind.RECEIPT, language, price=amount, currency=currency)
    assert shown in message.short
    assert shown in shown_in_mail(message)
    assert shown in render(MessageKind.PAYOUT, payout_facts(amount=amount, currency=currency), language, "UTC").short


@each_language
def test_known_reasons_are_translated(language: Language) -> None:
    told = {
        shown_in_mail(booking(MessageKind.BOOKING_CANCELLED, language, reason=reason, to_barber=side))
        for reason in ("customer", "barber", "system", "no_show", "expired", "unpaid")
        for side in (False, True)
    }
    assert len(told) == 12
    assert not any("no_show" in text or "system" in text for text in told)
    assert "My own words" in shown_in_mail(booking(MessageKind.BOOKING_CANCELLED, language, reason="My own words"))


@pytest.mark.parametrize(
    ("language", "minutes", "shown"),
    [
        ("en", 25, "25 minutes"),
        ("es", 5, "5 minutos"),
        ("fr", 90, "90 minutes"),
        ("de", 240, "240 Minuten"),
        ("ar", 10, "10 دقائق"),
        ("ar", 25, "25 دقيقة"),
        ("ja", 25, "25 分"),
    ],
)
def test_delays_follow_the_language(language: Language, minutes: int, shown: str) -> None:
    message = booking(MessageKind.BOOKING_DELAYED, language, late_min=minutes)
    assert shown in message.short
    assert shown in shown_in_mail(message)


def test_receipt_rows_add_up() -> None:
    discount = Discount("SPRING", 650)
    message = booking(MessageKind.RECEIPT, price=4000, discount=discount)
    assert "Haircut: €32.00\nBeard trim: €14.50\nDiscount: -€6.50\nTotal: €40.00\n" in message.text


def test_cancellation_states_fee_refund_and_due() -> None:
    cost = {"reason": "customer", "settlement": Settlement(fee=2300, refund=0, due=1300)}
    customer = booking(MessageKind.BOOKING_CANCELLED, **cost)
    assert "Fee: €23.00\nStill to pay: €13.00\nReason" in customer.text
    assert customer.short.endswith("Fee: €23.00.")
    barber = booking(MessageKind.BOOKING_CANCELLED, to_barber=True, **cost)
    assert "Fee: €23.00\nReason" in barber.text
    free = booking(MessageKind.BOOKING_CANCELLED, settlement=Settlement(fee=0, refund=1000, due=0))
    assert "Refund: €10.00\n" in free.text
    assert "Fee" not in free.text + free.short


@each_language
def test_proposal_outcomes_are_translated(language: Language) -> None:
    told = {
        shown_in_mail(booking(MessageKind.BOOKING_TIME_KEPT, language, reason=reason, to_barber=side, is_request=open_))
        for reason in ("rejected", "withdrawn", "lapsed")
        for side in (False, True)
        for open_ in (False, True)
    }
    assert len(told) == 12
    assert not any("rejected" in text or "lapsed" in text for text in told)


def test_message_without_optional_facts_renders() -> None:
    for kind in (MessageKind.WELCOME, MessageKind.VERIFY_EMAIL, MessageKind.RESET_PASSWORD, MessageKind.NEW_DEVICE):
        bare = render(kind, account_facts(kind, link=None, device=None, at=None), "en", "UTC")
        assert MailPage(bare.html).links == []
        assert "None" not in bare.text + bare.short
    bare = render(MessageKind.NEW_DEVICE, account_facts(MessageKind.NEW_DEVICE, device=None), "de", "UTC")
    assert "einem unbekannten Gerät" in bare.short


@each_language
def test_code_is_in_every_version(language: Language) -> None:
    for kind in (MessageKind.VERIFY_EMAIL, MessageKind.RESET_PASSWORD):
        message = render(kind, account_facts(kind, code="482913", link=None), language, "UTC")
        for part in (message.short, message.text, shown_in_mail(message)):
            assert "482913" in part
        assert "482913" not in message.subject  # which shows on locked screens


def test_rejected_verification_shows_its_notes() -> None:
    facts = VerificationFacts(name="Sam", result="rejected", link=LINK, notes="Too <dark>")
    message = render(MessageKind.VERIFICATION_RESULT, facts, "en", "UTC")
    assert "Note: Too <dark>" in message.text
    assert "Too &lt;dark&gt;" in message.html
    assert "Too <dark>" in unescape(shown_in_mail(message))
