"""Sign in: from a first proof of identity, over a second factor if needed, to a session with tokens."""

from typing import Final, Protocol
from uuid import UUID

from grome.accounts.errors import AccountSuspended, Challenge, SecondFactorRequired, WrongCredentials
from grome.accounts.events import new_account_event
from grome.accounts.models import AccountEvent, Device, LoginSession, SessionLife, User
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.risk import RiskAssessor, SignInRisk
from grome.accounts.schemas import SignedIn, Tokens, user_out
from grome.accounts.sessions import SessionService
from grome.accounts.tokens import TokenIssuer
from grome.common.actor import SECOND_FACTORS, Actor, SignInMethod
from grome.common.clock import Clock
from grome.common.errors import Unauthenticated
from grome.common.ids import new_id
from grome.infrastructure.outbox.models import EventType

CODE_KIND: Final = "code"


class SecondFactors(Protocol):
    """Asks for second proofs. Implemented above accounts, which know no factors."""

    async def begin(
        self, user_id: UUID, device: Device, methods: frozenset[SignInMethod], extra_kinds: frozenset[str]
    ) -> Challenge | None:
        """Begin a challenge for the user's factors, and for `extra_kinds` that the user can answer.

        Returns None if the user has no factors and can answer no extra kind. `SignIn.complete` follows the challenge.
        """
        ...

    async def has_factors(self, user_id: UUID) -> bool: ...


class SignIn:
    """Opens sessions. Every way to sign in ends here, so that no way bypasses suspension, second factor and notices."""

    def __init__(
        self,
        repositories: tuple[UserRepository, SessionRepository],
        sessions: SessionService,
        issuer: TokenIssuer,
        factors: SecondFactors,
        risks: RiskAssessor,
        life: SessionLife,
        clock: Clock,
    ) -> None:
        (self._users, self._stored), self._sessions = repositories, sessions
        self._issuer, self._factors, self._risks = issuer, factors, risks
        self._life, self._clock = life, clock

    async def begin(self, user: User, device: Device, method: SignInMethod) -> SignedIn:
        """Sign in after the first proof.

        Raises SecondFactorRequired if the user has a second factor, or if the sign-in is unusual and the user can
        answer a code. A passkey is two factors by itself. Raises AccountSuspended and WrongCredentials as `complete`.
        """
        _require_open(user)
        risk = await self._risks.assess(user, device)
        methods = frozenset({method})
        if methods.isdisjoint(SECOND_FACTORS):
            extra = frozenset({CODE_KIND}) if risk.is_unusual and method is not SignInMethod.CODE else frozenset()
            challenge = await self._factors.begin(user.id, device, methods, extra)
            if challenge:
                if risk.is_unusual:
                    await self._users.add_event(user.id, self._event(EventType.ACCOUNT_SUSPICIOUS_SIGN_IN))
                raise SecondFactorRequired(challenge)
        return await self._open_session(user, device, methods, risk)

    async def complete(self, user: User, device: Device, methods: frozenset[SignInMethod]) -> SignedIn:
        """Sign in after all proofs that are needed.

        A session that names a device replaces the earlier session on the device. Raises AccountSuspended; raises
        WrongCredentials for a deleted account, and if the password was changed meanwhile.
        """
        _require_open(user)
        return await self._open_session(user, device, methods, await self._risks.assess(user, device))

    async def step_up(self, actor: Actor, methods: frozenset[SignInMethod]) -> Tokens:
        """Record a new proof of identity in the actor's session, and return tokens that carry it.

        Raises Unauthenticated if the session has ended.
        """
        session = await self._stored.authenticate(actor.session_id, methods, self._clock())
        if session is None:
            raise Unauthenticated
        return self._issuer.issue(session)

    async def _open_session(
        self, user: User, device: Device, methods: frozenset[SignInMethod], risk: SignInRisk
    ) -> SignedIn:
        now = self._clock()
        session = LoginSession(
            id=new_id(),
            user_id=user.id,
            role=user.role,
            generation=1,
            rotated_at=now,
            device=device,
            country=risk.country,
            first_seen=now,
            last_seen=now,
            expires_at=now + min(self._life.idle, self._life.absolute),
            ends_at=now + self._life.absolute,
            authenticated_at=now,
            methods=sorted(methods),
            notice=self._notice_of(risk, methods),
        )
        await self._stored.add(session)
        await self._end_if_changed(user, session)
        await self._sessions.end_replaced(session)
        tokens = self._issuer.issue(session)
        return SignedIn(
            user=user_out(user),
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=tokens.expires_in,
        )

    async def _end_if_changed(self, user: User, session: LoginSession) -> None:
        """End a session that was opened with a proof from before a change: the change has ended all older sessions.

        The changes are a new password, the end of the account, and its first second factor.
        """
        current = await self._users.find(user.id)
        if current is None or current.password_changed_at != user.password_changed_at:
            await self._sessions.end(session.id, "password changed during the login")
            raise WrongCredentials
        try:
            _require_open(current)
        except (AccountSuspended, WrongCredentials):
            await self._sessions.end(session.id, "account closed during the login")
            raise
        if SECOND_FACTORS.isdisjoint(session.methods) and await self._factors.has_factors(user.id):
            await self._sessions.end(session.id, "second factor added during the login")
            raise WrongCredentials

    def _notice_of(self, risk: SignInRisk, methods: frozenset[SignInMethod]) -> AccountEvent | None:
        has_second_proof = len(methods) > 1 or not methods.isdisjoint(SECOND_FACTORS)
        if risk.is_unusual and not has_second_proof:  # otherwise `begin` has told the owner
            return self._event(EventType.ACCOUNT_SUSPICIOUS_SIGN_IN)
        return self._event(EventType.ACCOUNT_NEW_DEVICE) if risk.is_new_device else None

    def _event(self, kind: EventType) -> AccountEvent:
        return new_account_event(kind, self._clock())


def _require_open(user: User) -> None:
    if user.deleted_at:
        raise WrongCredentials
    if user.suspended_at:
        raise AccountSuspended
