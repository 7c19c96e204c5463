"""How many messages one address and one person get in a day, by channel and by how much depends on them."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from config.settings import MailSettings
from grome.common.mongo_budgets import Budget, Budgets
from grome.notifications.models import Channel, MessageKind
from grome.notifications.recipients import Recipient
from grome.notifications.rules import CODES, RULES

_DAY: Final = timedelta(days=1)


class Purpose(StrEnum):
    """Each has a budget of its own: whoever uses up the news of somebody does not keep warnings from them."""

    CODE = "code"
    SECURITY = "security"
    NEWS = "news"


# Messages a day to an address that its owner has verified, and to one that may be a stranger's.
_VERIFIED: Final = {
    (Purpose.CODE, Channel.EMAIL): 10,
    (Purpose.CODE, Channel.SMS): 5,
    (Purpose.SECURITY, Channel.EMAIL): 20,
    (Purpose.SECURITY, Channel.SMS): 5,
    (Purpose.SECURITY, Channel.PUSH): 50,
    (Purpose.NEWS, Channel.SMS): 30,
    (Purpose.NEWS, Channel.PUSH): 500,
}
_UNVERIFIED: Final = {
    **_VERIFIED,
    (Purpose.CODE, Channel.EMAIL): 5,
    (Purpose.SECURITY, Channel.EMAIL): 10,
    (Purpose.NEWS, Channel.SMS): 10,
}
# A fault of ours that anybody's address can show is told an operator so often in a day; see `Sending`.
DEAD_LETTERS: Final = Budget("dead letters", 20, _DAY)


def purpose_of(kind: MessageKind) -> Purpose:
    if kind in CODES:
        return Purpose.CODE
    return Purpose.SECURITY if RULES[kind].topic is None else Purpose.NEWS


class MessageBudgets:
    def __init__(self, budgets: Budgets, mail: MailSettings) -> None:
        self._budgets, self._mail = budgets, mail

    def daily_limit(self, kind: MessageKind, channel: Channel, *, verified: bool) -> int:
        """Mail with news is the only channel whose volume differs from shop to shop, so its limit is a setting."""
        purpose = purpose_of(kind)
        if (purpose, channel) == (Purpose.NEWS, Channel.EMAIL):
            return self._mail.news_a_day if verified else self._mail.unverified_news_a_day
        return (_VERIFIED if verified else _UNVERIFIED)[purpose, channel]

    async def take(self, kind: MessageKind, channel: Channel, recipient: Recipient) -> bool:
        """Count a message against its address and its reader; False where either has had the day's messages."""
        limit = self.daily_limit(kind, channel, verified=channel in recipient.verified)
        purpose = purpose_of(kind)
        subjects = {"person": str(recipient.user.id), "address": recipient.address(channel)}
        for name, subject in subjects.items():
            budget = Budget(f"{purpose}:{channel}:{name}", limit, _DAY)
            if subject and await self._budgets.take(budget, subject) is not None:
                return False
        return True

    async def take_dead_letter(self, channel: Channel) -> bool:
        """Whether another dead letter of this channel may be made today."""
        return await self._budgets.take(DEAD_LETTERS, channel) is None
