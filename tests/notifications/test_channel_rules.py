"""Test quiet hours by wall time, and the messages that ignore them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.accounts.models import NotificationPreferences, Preferences, QuietHours, Topic
from grome.notifications.channel_rules import CODE_KINDS, RULES, QuietPolicy, Verdict, decide, quiet_until
from grome.notifications.models import Channel, MessageKind, Why

# Changes by an hour in both halves of the world, by half an hour, at midnight, and none.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "UTC",
]
EVERYWHERE = frozenset(Channel)
NIGHT = QuietHours("22:00", "07:00")
BERLIN = ZoneInfo("Europe/Berlin")

clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
spans = st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: QuietHours(*pair))
instants = st.integers(0, 4 * 365 * 86_400).map(lambda second: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(0, second))
zones = st.sampled_from(ZONES).map(ZoneInfo)


def says_quiet(hours: QuietHours, wall: datetime) -> bool:
    """Decide independently, by walking from start to end around the clock."""
    start, end, at = (int(text[:2]) * 60 + int(text[3:]) for text in (hours.start, hours.end, f"{wall:%H:%M}"))
    return (at - start) % 1440 < (end - start) % 1440


@given(spans, zones, instants, st.floats(0, 1))
def test_quiet_hours_follow_wall_time(hours: QuietHours, zone: ZoneInfo, now: datetime, share: float) -> None:
    until = quiet_until(hours, zone, now)
    assert (until is not None) == says_quiet(hours, now.astimezone(zone))
    if until is not None:
        assert now < until
        assert not says_quiet(hours, until.astimezone(zone))
        between = now + (until - now) * share * 0.999_999
        assert says_quiet(hours, between.astimezone(zone))


@given(spans, zones, instants)
def test_quiet_hours_without_a_clock_change_end_at_their_end(hours: QuietHours, zone: ZoneInfo, now: datetime) -> None:
    until = quiet_until(hours, zone, now)
    if until is not None and until.astimezone(zone).utcoffset() == now.astimezone(zone).utcoffset():
        assert f"{until.astimezone(zone):%H:%M}" == hours.end
        assert until - now <= timedelta(days=1)


@given(instants, zones)
def test_reader_without_quiet_hours_is_never_quiet(now: datetime, zone: ZoneInfo) -> None:
    assert quiet_until(None, zone, now) is None


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        # Clocks go forward on 28 March 2027 at 2:00, which is then 3:00.
        (("22:00", "07:00"), "2027-03-27T23:00+01:00", "2027-03-28T07:00+02:00"),
        (("22:00", "02:30"), "2027-03-28T01:30+01:00", "2027-03-28T03:00+02:00"),
        (("02:15", "02:45"), "2027-03-28T01:59+01:00", None),
        # Clocks go back on 31 October 2027 at 3:00, which is then 2:00 once more.
        (("22:00", "07:00"), "2027-10-30T23:00+02:00", "2027-10-31T07:00+01:00"),
        (("22:00", "02:30"), "2027-10-31T01:00+02:00", "2027-10-31T02:30+02:00"),
        (("22:00", "02:30"), "2027-10-31T02:10+01:00", "2027-10-31T02:30+01:00"),
        # An ordinary night and its edges.
        (("22:00", "07:00"), "2027-06-01T21:59:59+02:00", None),
        (("22:00", "07:00"), "2027-06-01T22:00+02:00", "2027-06-02T07:00+02:00"),
        (("22:00", "07:00"), "2027-06-02T06:59:59+02:00", "2027-06-02T07:00+02:00"),
        (("22:00", "07:00"), "2027-06-02T07:00+02:00", None),
        (("13:00", "15:00"), "2027-06-02T14:20+02:00", "2027-06-02T15:00+02:00"),
        # Both edges of a span within one day: the first minute is quiet, the last one is not.
        (("13:00", "15:00"), "2027-06-02T12:59:59+02:00", None),
        (("13:00", "15:00"), "2027-06-02T13:00+02:00", "2027-06-02T15:00+02:00"),
        (("13:00", "15:00"), "2027-06-02T13:00:59+02:00", "2027-06-02T15:00+02:00"),
        (("13:00", "15:00"), "2027-06-02T14:59:59+02:00", "2027-06-02T15:00+02:00"),
        (("13:00", "15:00"), "2027-06-02T15:00+02:00", None),
        # A span of one minute.
        (("13:00", "13:01"), "2027-06-02T13:00:30+02:00", "2027-06-02T13:01+02:00"),
        # Over midnight: both edges, and midnight itself.
        (("23:59", "00:01"), "2027-06-02T23:58:59+02:00", None),
        (("23:59", "00:01"), "2027-06-02T23:59+02:00", "2027-06-03T00:01+02:00"),
        (("23:59", "00:01"), "2027-06-03T00:00+02:00", "2027-06-03T00:01+02:00"),
        (("23:59", "00:01"), "2027-06-03T00:01+02:00", None),
    ],
)
def test_quiet_hours_in_berlin_end_across_clock_changes(hours: tuple[str, str], now: str, until: str | None) -> None:
    found = quiet_until(QuietHours(*hours), BERLIN, datetime.fromisoformat(now).astimezone(UTC))
    assert found == (datetime.fromisoformat(until) if until else None)


MIDNIGHT = datetime(2027, 6, 2, 0, 0, tzinfo=BERLIN).astimezone(UTC)
MORNING = datetime(2027, 6, 2, 7, 0, tzinfo=BERLIN).astimezone(UTC)
ASLEEP = Preferences(NotificationPreferences(sms=True), timezone="Europe/Berlin", quiet_hours=NIGHT)


def verdict(kind: MessageKind, channel: Channel, starts_at: datetime | None = None) -> Verdict:
    return decide((kind, channel), ASLEEP, EVERYWHERE, MIDNIGHT, starts_at)


def test_mail_ignores_quiet_hours() -> None:
    for kind in MessageKind:
        assert verdict(kind, Channel.EMAIL) is None


@pytest.mark.parametrize("channel", [Channel.PUSH, Channel.SMS])
def test_push_and_sms_in_quiet_hours_are_held_unless_urgent(channel: Channel) -> None:
    at_once = {kind for kind in MessageKind if verdict(kind, channel) is None}
    assert at_once == {
        MessageKind.NEW_DEVICE,
        MessageKind.SESSION_ENDED,
        MessageKind.ADDRESS_TAKEN,
        MessageKind.PASSWORD_CHANGED,
        MessageKind.EMAIL_CHANGED,
        MessageKind.PHONE_CHANGED,
        *CODE_KINDS,
        MessageKind.FACTOR_ADDED,
        MessageKind.FACTOR_REMOVED,
        MessageKind.RECOVERY_CODE_USED,
        MessageKind.SUSPICIOUS_SIGN_IN,
        MessageKind.EXPORT_READY,
        MessageKind.ACCOUNT_DELETED,
        MessageKind.ACCOUNT_SUSPENDED,
        MessageKind.ACCOUNT_RESTORED,
        MessageKind.BOOKING_ON_THE_WAY,
        MessageKind.BOOKING_ARRIVED,
    }
    assert {verdict(kind, channel) for kind in set(MessageKind) - at_once} == {MORNING}


@pytest.mark.parametrize(
    ("starts_at", "is_held"),
    [
        (MIDNIGHT + timedelta(hours=2), False),
        (MORNING + timedelta(hours=1, minutes=59), False),
        (MORNING + timedelta(hours=2), True),
        (MORNING + timedelta(days=3), True),
    ],
)
def test_cancellation_needed_before_the_morning_ignores_quiet_hours(starts_at: datetime, *, is_held: bool) -> None:
    told = verdict(MessageKind.BOOKING_CANCELLED, Channel.PUSH, starts_at)
    assert told == (MORNING if is_held else None)
    assert verdict(MessageKind.BOOKING_ACCEPTED, Channel.PUSH, starts_at) == MORNING


def test_security_messages_cannot_be_turned_off() -> None:
    for kind in MessageKind:
        off = Preferences(NotificationPreferences(email=False, push=False, sms=False))
        no_topics = Preferences(NotificationPreferences(no_mail_about=list(Topic)))
        is_security = RULES[kind].topic is None
        for preferences in (off, no_topics):
            told = decide((kind, Channel.EMAIL), preferences, EVERYWHERE, MIDNIGHT, None)
            assert told is (None if is_security else Why.PREFERENCE)
        for channel in (Channel.PUSH, Channel.SMS):
            assert decide((kind, channel), off, EVERYWHERE, MIDNIGHT, None) is Why.PREFERENCE
        without_mail = EVERYWHERE - {Channel.EMAIL}
        assert decide((kind, Channel.EMAIL), off, without_mail, MIDNIGHT, None) is Why.NO_ADDRESS
        told = decide((kind, Channel.SMS), off, without_mail, MIDNIGHT, None)
        assert told is (None if is_security else Why.PREFERENCE)


def test_unsubscribed_topic_leaves_other_topics() -> None:
    some = Preferences(NotificationPreferences(no_mail_about=[Topic.REVIEWS]))
    assert decide((MessageKind.REVIEW_REQUEST, Channel.EMAIL), some, EVERYWHERE, MIDNIGHT, None) is Why.PREFERENCE
    assert decide((MessageKind.RECEIPT, Channel.EMAIL), some, EVERYWHERE, MIDNIGHT, None) is None
    assert decide((MessageKind.REVIEW_REQUEST, Channel.PUSH), some, EVERYWHERE, MIDNIGHT, None) is None


def test_security_messages_ignore_quiet_hours() -> None:
    assert {rule.quiet for rule in RULES.values() if rule.topic is None} == {QuietPolicy.IGNORED}
