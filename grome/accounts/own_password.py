"""Check and change the password of an account."""

from typing import Final

from grome.accounts.attempts import SignInAttempts
from grome.accounts.errors import WrongPassword
from grome.accounts.events import new_account_event
from grome.accounts.models import User
from grome.accounts.password_rules import PasswordRules
from grome.accounts.passwords import PasswordHasher
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.schemas import PasswordChange, Tokens
from grome.accounts.sessions import SessionService
from grome.accounts.sign_in import SignIn
from grome.common.actor import Actor, SignInMethod
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.infrastructure.outbox.models import EventType

_CHANGED: Final = "password changed"


class OwnPassword:
    def __init__(
        self,
        repositories: tuple[UserRepository, SessionRepository],
        sessions: SessionService,
        sign_in: SignIn,
        passwords: PasswordHasher,
        rules: PasswordRules,
        attempts: SignInAttempts,
        clock: Clock,
    ) -> None:
        (self._users, self._stored), self._sessions, self._sign_in = repositories, sessions, sign_in
        self._passwords, self._rules, self._attempts, self._clock = passwords, rules, attempts, clock

    async def require_current(self, actor: Actor, password: str) -> User:
        """Return the actor's account. Raises WrongPassword if this is not its password, and TooManyRequests."""
        user, session = await self._users.find(actor.id), await self._stored.find(actor.session_id)
        if user is None or session is None:
            raise NotFound
        async with self._attempts.attempt(str(user.id), [user.id], session.device):
            if not await self._passwords.matches(password, user.password_hash):
                raise WrongPassword
        return user

    async def step_up(self, actor: Actor, password: str) -> Tokens:
        """Prove the identity anew by the password. Raises like `require_current`."""
        await self.require_current(actor, password)
        return await self._sign_in.step_up(actor, frozenset({SignInMethod.PASSWORD}))

    async def change(self, actor: Actor, change: PasswordChange) -> Tokens:
        """Change the password, end all sessions, and return the tokens of a new session on the actor's device.

        Raises like `require_current`, and Invalid for a new password that is easy to guess.
        """
        user = await self.require_current(actor, change.current)
        new_hash = await self.hash_new("new", change.new, user)
        session = await self._stored.find(actor.session_id)
        changed = await self.store(user, new_hash)
        if session is None or changed is None:
            raise WrongPassword  # another request has changed the password meanwhile
        await self._sessions.end_all(user.id, _CHANGED, keep=session.id)
        opened = await self._sign_in.complete(changed, session.device, actor.methods | {SignInMethod.PASSWORD})
        await self._sessions.end(session.id, _CHANGED)
        return Tokens(
            access_token=opened.access_token, refresh_token=opened.refresh_token, expires_in=opened.expires_in
        )

    async def hash_new(self, field: str, password: str, user: User) -> str:
        """Return the hash of a new password. Raises Invalid for `field` if the password is easy to guess."""
        await self._rules.require_strong(field, password, (user.name, user.named_email, user.named_phone))
        return await self._passwords.hash(password)

    async def store(self, user: User, new_hash: str) -> User | None:
        """Store a new hash in place of the user's hash. Returns None if the hash is another by now."""
        event = new_account_event(EventType.ACCOUNT_PASSWORD_CHANGED, self._clock())
        return await self._users.set_password(user, new_hash, event)
