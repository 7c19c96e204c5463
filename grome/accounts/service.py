"""Register, log in, stay logged in, log out."""

from datetime import timedelta
from uuid import UUID

import msgspec

from config.settings import AccountSettings
from grome.accounts.errors import RefreshRefused, RefreshReused, WrongCredentials
from grome.accounts.models import Device, LoginSession, User
from grome.accounts.passwords import Passwords
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.schemas import Login, Register, SignedIn, Tokens, UserOut, user_out
from grome.accounts.tokens import (
    AccessTokens,
    RefreshTokens,
    digest,
    grace,
    read_refresh_token,
    write_refresh_token,
)
from grome.accounts.verifier import Verifier
from grome.common.actor import Actor, Role
from grome.common.clock import Clock
from grome.common.errors import Invalid, NotFound
from grome.common.http.decoding import fault_of
from grome.common.ids import new_id


class AccountService:
    def __init__(
        self,
        users: UserRepository,
        sessions: SessionRepository,
        access_tokens: AccessTokens,
        verifier: Verifier,
        settings: AccountSettings,
        clock: Clock,
    ) -> None:
        self._users, self._sessions, self._verifier = users, sessions, verifier
        self._access = access_tokens
        self._refresh = RefreshTokens(settings.signing_key)
        self._passwords = Passwords(settings.bcrypt_rounds)
        self._refresh_ttl = timedelta(seconds=settings.refresh_ttl_s)
        self._clock = clock

    def close(self) -> None:
        self._passwords.close()

    async def register(self, wanted: Register, device: Device) -> SignedIn:
        """Raises AccountExists where the email or phone is taken."""
        if wanted.email is None and wanted.phone is None:
            raise Invalid("email", "or phone is required")
        user = await self._add_user(wanted, Role(wanted.role))
        return await self._sign_in(user, device)

    async def create_admin(self, email: str, name: str, password: str) -> UserOut:
        """For the operator at the command line: no route makes an admin. Raises Invalid where `Register` would."""
        try:
            wanted = msgspec.convert({"email": email, "name": name, "password": password}, Register)
        except msgspec.ValidationError as error:
            raise Invalid(*fault_of(error)) from None
        return user_out(await self._add_user(wanted, Role.ADMIN))

    async def _add_user(self, wanted: Register, role: Role) -> User:
        user = User(
            id=new_id(),
            email=wanted.email.lower() if wanted.email else None,
            phone=wanted.phone,
            password_hash=await self._passwords.hash(wanted.password),
            name=wanted.name,
            role=role,
            created_at=self._clock(),
        )
        await self._users.add(user)
        return user

    async def login(self, given: Login, device: Device) -> SignedIn:
        """Raises WrongCredentials without saying, by words or by time, which part was wrong."""
        if (given.email is None) == (given.phone is None):
            raise Invalid("email", "or phone is required, and not both")
        user = await self._users.find_by_sign_in(email=given.email.lower() if given.email else None, phone=given.phone)
        right = await self._passwords.matches(given.password, user.password_hash if user else None)
        if user is None or not right:
            raise WrongCredentials
        if device.id:
            for session_id in await self._sessions.live_on_device(user.id, device.id):
                await self._revoke(session_id, "replaced")
        return await self._sign_in(user, device)

    async def refresh(self, token: str) -> Tokens:
        """Both tokens new; raises RefreshRefused or, for a token that was used before, RefreshReused."""
        parsed = read_refresh_token(token)
        if parsed is None:
            raise RefreshRefused
        session_id, secret = parsed
        now = self._clock()
        child = self._refresh.child(secret)
        session = await self._sessions.rotate(session_id, digest(secret), digest(child), now)
        if session is None:
            session = await self._sessions.find(session_id)
            if session is None or session.revoked_at or session.expires_at <= now:
                raise RefreshRefused
            if not self._refresh.is_ancestor(secret, session.token_hash):
                raise RefreshRefused  # made up: the session's id is no secret, and must not be enough to end it
            if session.previous_hash != digest(secret) or session.rotated_at < grace(now):
                await self._revoke(session_id, "reuse of an old refresh token")
                raise RefreshReused
        actor = Actor(session.user_id, session.role, session.id)
        return Tokens(
            access_token=self._access.issue(actor, now),
            refresh_token=write_refresh_token(session.id, child),
            expires_in=self._access.ttl_s,
        )

    async def logout(self, actor: Actor) -> None:
        await self._revoke(actor.session_id, "logout")

    async def profile(self, actor: Actor) -> UserOut:
        user = await self._users.find(actor.id)
        if user is None:
            raise NotFound
        return user_out(user)

    async def _revoke(self, session_id: UUID, why: str) -> None:
        await self._sessions.revoke(session_id, why, self._clock())
        await self._verifier.forget(session_id)

    async def _sign_in(self, user: User, device: Device) -> SignedIn:
        now = self._clock()
        secret = self._refresh.first()
        session = LoginSession(
            id=new_id(),
            user_id=user.id,
            role=user.role,
            token_hash=digest(secret),
            rotated_at=now,
            device=device,
            first_seen=now,
            last_seen=now,
            expires_at=now + self._refresh_ttl,
        )
        await self._sessions.add(session)
        return SignedIn(
            user=user_out(user),
            access_token=self._access.issue(Actor(user.id, user.role, session.id), now),
            refresh_token=write_refresh_token(session.id, secret),
            expires_in=self._access.ttl_s,
        )
