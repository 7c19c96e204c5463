"""Ask for the second step of a login."""

from uuid import UUID

from grome.accounts.errors import Challenge
from grome.accounts.models import Device
from grome.common.actor import SignInMethod
from grome.factors.challenges import Challenges
from grome.factors.repository import FactorRepository


class FactorChallenger:
    """Implements `SecondFactors` of the accounts."""

    def __init__(self, factors: FactorRepository, challenges: Challenges) -> None:
        self._factors, self._challenges = factors, challenges

    async def begin(
        self,
        user_id: UUID,
        device: Device,
        methods: frozenset[SignInMethod],
        extra_kinds: frozenset[str],  # noqa: ARG002
    ) -> Challenge | None:
        """Begin a challenge for the user's factors. Returns None for a user without factors."""
        stored = await self._factors.find(user_id)
        kinds = stored.kinds if stored else ()
        if not kinds:
            return None
        token = await self._challenges.begin_sign_in(user_id, device, methods, kinds)
        return Challenge(token, [kind.value for kind in kinds])
