"""Decide which channels a message uses, when it waits, and whether its reader can turn it off, without I/O."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from grome.accounts.models import Preferences, QuietHours, Topic
from grome.notifications.models import Channel, MessageKind, Why

# A message about something that close to the end of quiet hours is sent during them.
WAKE_MARGIN: Final = timedelta(hours=2)
# A reminder by hours before the start, and the minimum lead time; with less lead time, the reminder is dropped.
MIN_LEAD_TIME: Final = {24: timedelta(hours=2), 2: timedelta(0)}
_MINUTE: Final = timedelta(minutes=1)


class QuietPolicy(Enum):
    """Names the effect of quiet hours on push and SMS. Mail is never delayed."""

    HOLD = "held until they end"
    IGNORED = "sent during them"
    IGNORED_IF_SOON = "sent during them if needed before their end, or less than WAKE_MARGIN after"


class ChannelRule(NamedTuple):
    """Holds the rule of a kind of message. `topic` is the topic that a reader can unsubscribe from.

    None is the security of the account: mail about it cannot be turned off, and an account without an email gets an
    SMS.
    """

    channels: tuple[Channel, ...]
    topic: Topic | None
    quiet: QuietPolicy


_MAIL = (Channel.EMAIL,)
_MAIL_AND_PUSH = (Channel.EMAIL, Channel.PUSH)
_ALL = (Channel.EMAIL, Channel.PUSH, Channel.SMS)
_PUSH_AND_SMS = (Channel.PUSH, Channel.SMS)
_PUSH = (Channel.PUSH,)
_MAIL_AND_SMS = (Channel.EMAIL, Channel.SMS)
_SMS = (Channel.SMS,)

RULES: Final = {
    MessageKind.WELCOME: ChannelRule(_MAIL, Topic.ACCOUNT, QuietPolicy.HOLD),
    MessageKind.VERIFY_EMAIL: ChannelRule(_MAIL, None, QuietPolicy.IGNORED),
    MessageKind.RESET_PASSWORD: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.VERIFY_PHONE: ChannelRule(_SMS, None, QuietPolicy.IGNORED),
    MessageKind.SIGN_IN_CODE: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.SECOND_FACTOR_CODE: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.ADDRESS_TAKEN: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.PASSWORD_CHANGED: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.EMAIL_CHANGED: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.PHONE_CHANGED: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.NEW_DEVICE: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.SESSION_ENDED: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.FACTOR_ADDED: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.FACTOR_REMOVED: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.RECOVERY_CODE_USED: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.SUSPICIOUS_SIGN_IN: ChannelRule(_ALL, None, QuietPolicy.IGNORED),
    MessageKind.EXPORT_READY: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.ACCOUNT_DELETED: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.ACCOUNT_SUSPENDED: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.ACCOUNT_RESTORED: ChannelRule(_MAIL_AND_SMS, None, QuietPolicy.IGNORED),
    MessageKind.BOOKING_REQUESTED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.BOOKING_ACCEPTED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.BOOKING_DECLINED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.BOOKING_CHANGED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    MessageKind.BOOKING_CANCELLED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    MessageKind.BOOKING_REMINDER: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.BOOKING_OFFERED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    MessageKind.BOOKING_DELAYED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    # The visit is about to begin, so the reader is awake.
    MessageKind.BOOKING_ON_THE_WAY: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED),
    MessageKind.BOOKING_ARRIVED: ChannelRule(_PUSH_AND_SMS, Topic.BOOKINGS, QuietPolicy.IGNORED),
    MessageKind.BOOKING_TIME_PROPOSED: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    MessageKind.BOOKING_TIME_KEPT: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    MessageKind.BOOKING_TIPPED: ChannelRule(_MAIL_AND_PUSH, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.RECEIPT: ChannelRule(_MAIL, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.REVIEW_REQUEST: ChannelRule(_MAIL_AND_PUSH, Topic.REVIEWS, QuietPolicy.HOLD),
    MessageKind.REVIEW_POSTED: ChannelRule(_MAIL_AND_PUSH, Topic.REVIEWS, QuietPolicy.HOLD),
    MessageKind.REVIEW_ANSWERED: ChannelRule(_MAIL_AND_PUSH, Topic.REVIEWS, QuietPolicy.HOLD),
    MessageKind.MESSAGE_RECEIVED: ChannelRule(_PUSH, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.PAYMENT_ACTION: ChannelRule(_ALL, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    MessageKind.PAYMENT_FAILED: ChannelRule(_MAIL_AND_PUSH, Topic.BOOKINGS, QuietPolicy.IGNORED_IF_SOON),
    MessageKind.PAYMENT_SCHEDULED: ChannelRule(_MAIL, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.PAYMENT_RECEIVED: ChannelRule(_MAIL, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.PAYMENT_REFUND: ChannelRule(_MAIL_AND_PUSH, Topic.BOOKINGS, QuietPolicy.HOLD),
    MessageKind.PAYMENT_DISPUTED: ChannelRule(_MAIL_AND_PUSH, Topic.ACCOUNT, QuietPolicy.HOLD),
    MessageKind.PAYOUT: ChannelRule(_MAIL_AND_PUSH, Topic.ACCOUNT, QuietPolicy.HOLD),
    MessageKind.PAYOUT_FAILED: ChannelRule(_MAIL_AND_PUSH, Topic.ACCOUNT, QuietPolicy.HOLD),
    MessageKind.VERIFICATION_RESULT: ChannelRule(_MAIL_AND_PUSH, Topic.ACCOUNT, QuietPolicy.HOLD),
    MessageKind.WEBHOOK_FAILING: ChannelRule(_MAIL_AND_PUSH, Topic.ACCOUNT, QuietPolicy.HOLD),
}

# Kinds that may be sent to an unverified address.
CODE_KINDS: Final = frozenset(
    {
        MessageKind.VERIFY_EMAIL,
        MessageKind.VERIFY_PHONE,
        MessageKind.RESET_PASSWORD,
        MessageKind.SIGN_IN_CODE,
        MessageKind.SECOND_FACTOR_CODE,
    }
)

Verdict = Why | datetime | None


def decide(
    message: tuple[MessageKind, Channel],
    preferences: Preferences,
    reachable: AbstractSet[Channel],
    now: datetime,
    needed_by: datetime | None,
    open_for_codes_only: AbstractSet[Channel] = frozenset(),
) -> Verdict:
    """Return the reason not to send a message, the earliest time to send it, or None to send it now.

    `reachable` are the channels with an address. `needed_by` is the start of the visit, or the deadline of the answer.
    """
    kind, channel = message
    rule = RULES[kind]
    if channel not in reachable:
        return Why.NO_ADDRESS
    if channel in open_for_codes_only and kind not in CODE_KINDS:
        return Why.UNVERIFIED
    if not _is_wanted(rule, channel, preferences, reachable):
        return Why.PREFERENCE
    until = quiet_until(preferences.quiet_hours, ZoneInfo(preferences.timezone), now)
    if until is None or channel is Channel.EMAIL or rule.quiet is QuietPolicy.IGNORED:
        return None
    is_soon = needed_by is not None and needed_by < until + WAKE_MARGIN
    return None if rule.quiet is QuietPolicy.IGNORED_IF_SOON and is_soon else until


def quiet_until(hours: QuietHours | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the first whole minute after the quiet hours; None if it is not quiet at `now`.

    The result is in the zone of `now`. Each minute is compared by wall time, which is right also if clocks change past
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


def _is_wanted(rule: ChannelRule, channel: Channel, preferences: Preferences, reachable: AbstractSet[Channel]) -> bool:
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
