"""Daily limits of messages to an address and to a person, by channel and purpose."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from config.sections.messages import MailSettings
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.notifications.channel_rules import CODE_KINDS, RULES
from grome.notifications.models import Channel, MessageKind
from grome.notifications.recipients import Recipient

_DAY: Final = timedelta(days=1)


class Purpose(StrEnum):
    """The purpose of a message, with a budget of its own.

    A third party that uses up a person's budget for news cannot block warnings to the person. Anybody can request an
    OPEN_CODE; a CODE needs a session or the password.
    """

    CODE = "code"
    OPEN_CODE = "open_code"
    SECURITY = "security"
    NEWS = "news"


# Messages a day to an address that its owner has verified, and to an unverified address, which may be a stranger's.
_VERIFIED: Final = {
    (Purpose.CODE, Channel.EMAIL): 10,
    (Purpose.CODE, Channel.SMS): 5,
    (Purpose.OPEN_CODE, Channel.EMAIL): 30,
    (Purpose.OPEN_CODE, Channel.SMS): 10,
    (Purpose.SECURITY, Channel.EMAIL): 20,
    (Purpose.SECURITY, Channel.SMS): 5,
    (Purpose.SECURITY, Channel.PUSH): 50,
    (Purpose.NEWS, Channel.SMS): 30,
    (Purpose.NEWS, Channel.PUSH): 500,
}
_UNVERIFIED: Final = {
    **_VERIFIED,
    (Purpose.CODE, Channel.EMAIL): 5,
    (Purpose.OPEN_CODE, Channel.EMAIL): 10,
    (Purpose.SECURITY, Channel.EMAIL): 10,
    (Purpose.NEWS, Channel.SMS): 10,
}
_OPEN_CODES: Final = frozenset({MessageKind.RESET_PASSWORD, MessageKind.SIGN_IN_CODE})
# Reports a day to an operator about faults of ours that any person's address can trigger; see `Sending`.
DEAD_LETTER_BUDGET: Final = Budget("dead letters", 20, _DAY)


def purpose_of(kind: MessageKind) -> Purpose:
    if kind in _OPEN_CODES:
        return Purpose.OPEN_CODE
    if kind in CODE_KINDS:
        return Purpose.CODE
    return Purpose.SECURITY if RULES[kind].topic is None else Purpose.NEWS


class MessageBudgets:
    def __init__(self, budgets: Budgets, mail: MailSettings) -> None:
        self._budgets, self._mail = budgets, mail

    def daily_limit(self, kind: MessageKind, channel: Channel, *, verified: bool) -> int:
        """Return the daily limit of messages of a kind on a channel.

        The limit of news by mail is a setting, because only its volume differs from shop to shop.
        """
        purpose = purpose_of(kind)
        if (purpose, channel) == (Purpose.NEWS, Channel.EMAIL):
            return self._mail.news_a_day if verified else self._mail.unverified_news_a_day
        return (_VERIFIED if verified else _UNVERIFIED)[purpose, channel]

    async def take(self, kind: MessageKind, channel: Channel, recipient: Recipient) -> bool:
        """Count a message against its address and its reader. Returns False if the daily limit of either is reached."""
        limit = self.daily_limit(kind, channel, verified=channel in recipient.verified)
        purpose = purpose_of(kind)
        subjects = {"person": str(recipient.user.id), "address": recipient.address(channel)}
        for name, subject in subjects.items():
            budget = Budget(f"{purpose}:{channel}:{name}", limit, _DAY)
            if subject and await self._budgets.take(budget, subject) is not None:
                return False
        return True

    async def take_dead_letter(self, channel: Channel) -> bool:
        """Return whether the daily limit allows another dead letter of this channel."""
        return await self._budgets.take(DEAD_LETTER_BUDGET, channel) is None
