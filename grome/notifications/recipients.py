"""Load the recipient of a message with all addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec

from grome.accounts.models import User
from grome.accounts.service import AccountService
from grome.notifications.models import Channel
from grome.notifications.push_devices import PushDevices


@dataclass(frozen=True, slots=True)
class Recipient:
    """Holds the recipient of a message; `tokens` are push tokens by device id.

    `trial` allows requested SMS to an unverified number. Messages on the `claimed` channels are logged like any other
    but not sent: the address belongs to another account, which neither gets them nor shows in the log.
    """

    user: User
    tokens: Mapping[UUID, str]
    trial: bool = False
    claimed: frozenset[Channel] = frozenset()

    @property
    def reachable(self) -> frozenset[Channel]:
        addresses = {Channel.EMAIL: self.user.email, Channel.PUSH: self.tokens, Channel.SMS: self.user.phone}
        return frozenset(channel for channel, address in addresses.items() if address)

    @property
    def verified(self) -> frozenset[Channel]:
        """The channels with an address that is known to be the user's; the login verifies a push device."""
        flags = {Channel.EMAIL: self.user.email_verified, Channel.SMS: self.user.phone_verified, Channel.PUSH: True}
        return frozenset(channel for channel, verified in flags.items() if verified)

    @property
    def open_for_codes_only(self) -> frozenset[Channel]:
        """Return the channels that only codes may use.

        An SMS to a stranger's phone costs money and disturbs the stranger; a mail does not, and has a small budget.
        """
        is_tried = self.trial and self.user.preferences.notifications.sms
        return frozenset() if Channel.SMS in self.verified or is_tried else frozenset({Channel.SMS})

    def address(self, channel: Channel) -> str | None:
        """Return the address on a channel; None for channels with several addresses or none, or a claimed address."""
        if channel in self.claimed:
            return None
        return {Channel.EMAIL: self.user.email, Channel.SMS: self.user.phone}.get(channel)


class Recipients:
    def __init__(self, accounts: AccountService, devices: PushDevices, *, trial: bool = False) -> None:
        self._accounts, self._devices, self._trial = accounts, devices, trial

    async def find(self, user_id: UUID) -> Recipient | None:
        """Return the recipient; None if the account does not exist."""
        user = await self._accounts.find(user_id)
        if user is None:
            return None
        claimed = [(Channel.EMAIL, user.email, user.claimed_email), (Channel.SMS, user.phone, user.claimed_phone)]
        named = msgspec.structs.replace(user, email=user.named_email, phone=user.named_phone)
        return Recipient(
            named,
            await self._devices.tokens(user_id),
            self._trial,
            frozenset(channel for channel, owned, address in claimed if address and not owned),
        )
