"""Prove the identity anew within a session."""

from msgspec import UNSET

from grome.accounts.own_password import OwnPassword
from grome.accounts.schemas import Tokens
from grome.accounts.sign_in import SignIn
from grome.common.actor import Actor
from grome.common.errors import Invalid
from grome.factors.challenges import Challenges, Purpose
from grome.factors.errors import FactorNeeded, NoFactor
from grome.factors.passkeys import RelyingParty
from grome.factors.proofs import FactorProofs
from grome.factors.repository import FactorRepository
from grome.factors.schemas import PasskeyCeremony, StepUp


class StepUps:
    """Takes a factor of an account that has one, and the password of any other account.

    A thief with a session and the password can therefore neither remove the factors nor redirect payouts.
    """

    def __init__(
        self,
        factors: FactorRepository,
        proofs: FactorProofs,
        challenges: Challenges,
        relying_party: RelyingParty,
        passwords: OwnPassword,
        sign_in: SignIn,
    ) -> None:
        self._factors, self._proofs, self._challenges = factors, proofs, challenges
        self._relying_party, self._passwords, self._sign_in = relying_party, passwords, sign_in

    async def prove(self, actor: Actor, body: StepUp) -> Tokens:
        """Return tokens of the session that carry the new proof.

        Raises WrongPassword, FactorNeeded, and the errors of `FactorProofs.prove`.
        """
        if body.password is UNSET:
            method = await self._proofs.prove(actor.id, body, Purpose.STEP_UP, str(actor.session_id))
            return await self._sign_in.step_up(actor, frozenset({method}))
        if (body.totp, body.recovery_code, body.passkey) != (UNSET, UNSET, UNSET):
            raise Invalid("password", "is required without another proof, and not allowed with it")
        stored = await self._factors.find(actor.id)
        if stored and stored.is_active:
            raise FactorNeeded
        return await self._passwords.step_up(actor, body.password)

    async def begin_passkey(self, actor: Actor) -> PasskeyCeremony:
        """Begin a proof by one of the actor's passkeys. Raises NoFactor without a passkey."""
        stored = await self._factors.find(actor.id)
        if stored is None or not stored.passkeys:
            raise NoFactor
        token, challenge = await self._challenges.begin_ceremony(Purpose.STEP_UP, str(actor.session_id))
        return PasskeyCeremony(token, self._relying_party.request_options(challenge, stored.passkeys))
