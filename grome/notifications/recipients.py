"""Who reads a message, and where it reaches them."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from grome.accounts.models import User
from grome.accounts.service import AccountService
from grome.notifications.models import Channel
from grome.notifications.push_devices import PushDevices


@dataclass(frozen=True, slots=True)
class Recipient:
    """`tokens` are push tokens by the ids of their devices."""

    user: User
    tokens: Mapping[UUID, str]

    @property
    def reachable(self) -> frozenset[Channel]:
        addresses = {Channel.EMAIL: self.user.email, Channel.PUSH: self.tokens, Channel.SMS: self.user.phone}
        return frozenset(channel for channel, address in addresses.items() if address)


class Recipients:
    def __init__(self, accounts: AccountService, devices: PushDevices) -> None:
        self._accounts, self._devices = accounts, devices

    async def find(self, user_id: UUID) -> Recipient | None:
        """None where there is no such account."""
        user = await self._accounts.find(user_id)
        return Recipient(user, await self._devices.tokens(user_id)) if user else None
