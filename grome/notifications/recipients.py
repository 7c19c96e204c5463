"""Load the recipient of a message with all addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from grome.accounts.models import User
from grome.accounts.service import AccountService
from grome.notifications.models import Channel
from grome.notifications.push_devices import PushDevices


@dataclass(frozen=True, slots=True)
class Recipient:
    """Holds the recipient of a message; `tokens` are push tokens by device id.

    `trial` allows requested SMS to an unverified number.
    """

    user: User
    tokens: Mapping[UUID, str]
    trial: bool = False

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
        """Return the address on a channel; None for channels with several addresses or none."""
        return {Channel.EMAIL: self.user.email, Channel.SMS: self.user.phone}.get(channel)


class Recipients:
    def __init__(self, accounts: AccountService, devices: PushDevices, *, trial: bool = False) -> None:
        self._accounts, self._devices, self._trial = accounts, devices, trial

    async def find(self, user_id: UUID) -> Recipient | None:
        """Return the recipient; None if the account does not exist."""
        user = await self._accounts.find(user_id)
        return Recipient(user, await self._devices.tokens(user_id), self._trial) if user else None
