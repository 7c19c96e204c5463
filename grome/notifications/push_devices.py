"""Manage the push tokens of users' devices."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from grome.accounts.service import AccountService
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.notifications.models import PushDevice
from grome.notifications.repository import PushDeviceRepository


class PushDevices:
    """Manages push tokens.

    A device receives messages while its user is signed in on it, under the device id of the login.
    """

    def __init__(self, devices: PushDeviceRepository, accounts: AccountService, clock: Clock) -> None:
        self._devices, self._accounts, self._clock = devices, accounts, clock

    async def put(self, actor: Actor, device_id: UUID, token: str) -> None:
        """Store the token of a device; a previous owner of the token loses it.

        Raises NotFound if the actor is not signed in on the device.
        """
        if device_id not in await self._signed_in(actor.id):
            raise NotFound(
                "You are not signed in on a device with this id.",
                faults=(("device_id", "is not the id of a device that you are signed in on"),),
            )
        device = PushDevice(
            id=new_id(), user_id=actor.id, device_id=device_id, token=token, registered_at=self._clock()
        )
        await self._devices.put(device)

    async def remove(self, actor: Actor, device_id: UUID) -> None:
        """Delete the token of a device. Raises NotFound if the actor's device has none."""
        if not await self._devices.remove(actor.id, device_id):
            raise NotFound

    async def tokens(self, user_id: UUID) -> Mapping[UUID, str]:
        """Return the tokens by device, without the devices of expired sessions."""
        stored = await self._devices.list_for_user(user_id)
        signed_in = await self._signed_in(user_id) if stored else frozenset()
        return {device.device_id: device.token for device in stored if device.device_id in signed_in}

    async def drop(self, tokens: Iterable[str]) -> None:
        """Delete tokens that the push service has rejected permanently."""
        await self._devices.drop(list(tokens))

    async def _signed_in(self, user_id: UUID) -> frozenset[UUID]:
        named = [_parse_id(name) for name in await self._accounts.list_live_devices(user_id)]
        return frozenset(device_id for device_id in named if device_id)


def _parse_id(name: str) -> UUID | None:
    """Return the id in normal form, since clients differ in case; None if it is not a UUID."""
    try:
        return UUID(name)
    except ValueError:
        return None
