"""Which message goes which way, when it has to wait, and who may switch it off: values in, values out."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from grome.accounts.models import Preferences, QuietHours, Topic
from grome.notifications.models import Channel, MessageKind, Why

# Also how soon after quiet hours something is needed that is told in the midst of them.
SOON: Final = timedelta(hours=2)
# Less than that before the start, a reminder of so many hours before is none any more.
LEAST_LEFT: Final = {24: timedelta(hours=2), 2: timedelta(0)}
_MINUTE: Final = timedelta(minutes=1)


class Quiet(Enum):
    """What quiet hours do to push and SMS; mail lies in its box and wakes nobody."""

    HOLD = "held until they end"
    IGNORED = "sent all the same"
    IGNORED_IF_SOON = "sent all the same where it is needed before they end, or less than SOON after"


class KindRule(NamedTuple):
    """`topic` is what its mail is unsubscribed from. None is the account's security: such mail always comes, and an
    account without an email is told by SMS instead.
    """

    channels: tuple[Channel, ...]
    topic: Topic | None
    quiet: Quiet


_MAIL = (Channel.EMAIL,)
_MAIL_AND_PUSH = (Channel.EMAIL, Channel.PUSH)
_ALL = (Channel.EMAIL, Channel.PUSH, Channel.SMS)
_MAIL_AND_SMS = (Channel.EMAIL, Channel.SMS)

RULES: Final = {
    MessageKind.WELCOME: KindRule(_MAIL, Topic.ACCOUNT, Quiet.HOLD),
    MessageKind.VERIFY_EMAIL: KindRule(_MAIL, None, Quiet.IGNORED),
    MessageKind.RESET_PASSWORD: KindRule(_MAIL_AND_SMS, None, Quiet.IGNORED),
    MessageKind.NEW_DEVICE: KindRule(_ALL, None, Quiet.IGNORED),
    MessageKind.SESSION_ENDED: KindRule(_ALL, None, Quiet.IGNORED),
    MessageKind.BOOKING_REQUESTED: KindRule(_ALL, Topic.BOOKINGS, Quiet.HOLD),
    MessageKind.BOOKING_ACCEPTED: KindRule(_ALL, Topic.BOOKINGS, Quiet.HOLD),
    MessageKind.BOOKING_DECLINED: KindRule(_ALL, Topic.BOOKINGS, Quiet.HOLD),
    MessageKind.BOOKING_CHANGED: KindRule(_ALL, Topic.BOOKINGS, Quiet.IGNORED_IF_SOON),
    MessageKind.BOOKING_CANCELLED: KindRule(_ALL, Topic.BOOKINGS, Quiet.IGNORED_IF_SOON),
    MessageKind.BOOKING_REMINDER: KindRule(_ALL, Topic.BOOKINGS, Quiet.HOLD),
    MessageKind.BOOKING_OFFERED: KindRule(_ALL, Topic.BOOKINGS, Quiet.IGNORED_IF_SOON),
    MessageKind.BOOKING_DELAYED: KindRule(_ALL, Topic.BOOKINGS, Quiet.IGNORED_IF_SOON),
    MessageKind.BOOKING_TIME_PROPOSED: KindRule(_ALL, Topic.BOOKINGS, Quiet.IGNORED_IF_SOON),
    MessageKind.BOOKING_TIME_KEPT: KindRule(_ALL, Topic.BOOKINGS, Quiet.IGNORED_IF_SOON),
    MessageKind.BOOKING_TIPPED: KindRule(_MAIL_AND_PUSH, Topic.BOOKINGS, Quiet.HOLD),
    MessageKind.RECEIPT: KindRule(_MAIL, Topic.BOOKINGS, Quiet.HOLD),
    MessageKind.REVIEW_REQUEST: KindRule(_MAIL_AND_PUSH, Topic.REVIEWS, Quiet.HOLD),
    MessageKind.REVIEW_POSTED: KindRule(_MAIL_AND_PUSH, Topic.REVIEWS, Quiet.HOLD),
    MessageKind.REVIEW_ANSWERED: KindRule(_MAIL_AND_PUSH, Topic.REVIEWS, Quiet.HOLD),
    MessageKind.PAYOUT: KindRule(_MAIL_AND_PUSH, Topic.ACCOUNT, Quiet.HOLD),
    MessageKind.VERIFICATION_RESULT: KindRule(_MAIL_AND_PUSH, Topic.ACCOUNT, Quiet.HOLD),
    MessageKind.WEBHOOK_FAILING: KindRule(_MAIL_AND_PUSH, Topic.ACCOUNT, Quiet.HOLD),
}

# What an address may get before anybody has shown that it is theirs.
CODES: Final = frozenset({MessageKind.VERIFY_EMAIL, MessageKind.RESET_PASSWORD})

Verdict = Why | datetime | None


def decide(
    errand: tuple[MessageKind, Channel],
    preferences: Preferences,
    reachable: AbstractSet[Channel],
    now: datetime,
    needed_by: datetime | None,
    open_for_codes_only: AbstractSet[Channel] = frozenset(),
) -> Verdict:
    """Why a message is not sent, or before when it must not be, or None: at once.

    `reachable` are the channels that the reader has an address on, `needed_by` is when the visit starts that it tells
    of, or until when it asks for an answer.
    """
    kind, channel = errand
    rule = RULES[kind]
    if channel not in reachable:
        return Why.NO_ADDRESS
    if channel in open_for_codes_only and kind not in CODES:
        return Why.UNVERIFIED
    if not _is_wanted(rule, channel, preferences, reachable):
        return Why.PREFERENCE
    until = quiet_until(preferences.quiet_hours, ZoneInfo(preferences.timezone), now)
    if until is None or channel is Channel.EMAIL or rule.quiet is Quiet.IGNORED:
        return None
    is_soon = needed_by is not None and needed_by < until + SOON
    return None if rule.quiet is Quiet.IGNORED_IF_SOON and is_soon else until


def quiet_until(hours: QuietHours | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The first whole minute that is not quiet, in the zone of `now`; None where it is not quiet now.

    Whether a minute is quiet is what clocks on the wall say, so that it is right also where they are set forward past
    the end of quiet hours or back into them.
    """
    if hours is None or not _is_quiet(hours, now.astimezone(zone)):
        return None
    minute = now.replace(second=0, microsecond=0)
    while _is_quiet(hours, minute.astimezone(zone)):
        minute += _MINUTE
    return minute


def _is_quiet(hours: QuietHours, wall: datetime) -> bool:
    time = f"{wall:%H:%M}"
    if hours.start < hours.end:
        return hours.start <= time < hours.end
    return time >= hours.start or time < hours.end


def _is_wanted(rule: KindRule, channel: Channel, preferences: Preferences, reachable: AbstractSet[Channel]) -> bool:
    chosen = preferences.notifications
    match channel:
        case Channel.EMAIL:
            return rule.topic is None or (chosen.email and rule.topic not in chosen.no_mail_about)
        case Channel.PUSH:
            return chosen.push
        case Channel.IN_APP:
            return True
        case Channel.SMS:
            return chosen.sms or (rule.topic is None and Channel.EMAIL not in reachable)
