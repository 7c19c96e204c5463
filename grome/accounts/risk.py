"""Assess how usual a sign-in is for its account."""

from msgspec import Struct

from grome.accounts.country import Countries
from grome.accounts.devices import is_known_device, is_sudden_move
from grome.accounts.failed_sign_ins import FailedSignIns
from grome.accounts.models import Device, User
from grome.accounts.repository import SessionRepository
from grome.common.clock import Clock


class SignInRisk(Struct, frozen=True):
    """Describes a sign-in in comparison with earlier ones. An unusual sign-in asks for a second proof."""

    country: str | None = None
    is_new_device: bool = False
    is_unusual: bool = False


class RiskAssessor:
    """Compares a sign-in with the sign-ins of the account, as far back as sessions are kept."""

    def __init__(
        self, sessions: SessionRepository, countries: Countries, failures: FailedSignIns, clock: Clock
    ) -> None:
        self._sessions, self._countries, self._failures, self._clock = sessions, countries, failures, clock

    async def assess(self, user: User, device: Device) -> SignInRisk:
        """Return the risk. The first sign-in of an account and a sign-in from a known device are usual.

        A new device is unusual in another country than the last sign-in soon after it, and after many wrong passwords.
        """
        country = self._countries.find(device.ip)
        past = await self._sessions.list_past(user.id)
        if not past or is_known_device(device, past):
            return SignInRisk(country)
        is_unusual = is_sudden_move(country, past, self._clock()) or await self._failures.are_many(user.id)
        return SignInRisk(country, is_new_device=True, is_unusual=is_unusual)
