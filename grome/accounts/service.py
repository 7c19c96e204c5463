"""Register, log in, and find users."""

from collections.abc import Collection
from uuid import UUID

import msgspec

from grome.accounts.attempts import SignInAttempts
from grome.accounts.errors import WrongCredentials
from grome.accounts.events import new_account_event
from grome.accounts.models import AccountEvent, Device, Preferences, User
from grome.accounts.passwords import PasswordHasher
from grome.accounts.preferences import require_known_zone
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.schemas import Login, Register, SignedIn, UserOut, user_out
from grome.accounts.sign_in import SignIn
from grome.common.actor import Actor, Role, SignInMethod
from grome.common.clock import Clock
from grome.common.email_addresses import email_forms
from grome.common.errors import Invalid, NotFound
from grome.common.ids import new_id
from grome.common.languages import Language
from grome.common.phone_numbers import phone_forms
from grome.common.text_fields import normalize_texts
from grome.infrastructure.http.decoding import field_fault_of
from grome.infrastructure.outbox.models import EventType


class AccountService:
    def __init__(
        self,
        users: UserRepository,
        sessions: SessionRepository,
        sign_in: SignIn,
        passwords: PasswordHasher,
        attempts: SignInAttempts,
        clock: Clock,
    ) -> None:
        self._users, self._sessions, self._sign_in = users, sessions, sign_in
        self._passwords, self._attempts, self._clock = passwords, attempts, clock

    async def register(self, body: Register, device: Device, device_language: Language = "en") -> SignedIn:
        """Open an account and sign in. Raises AccountExists if the email or phone is taken.

        Without a language in the body, `device_language` is used: the first message is sent before preferences can be
        changed.
        """
        if body.email is None and body.phone is None:
            raise Invalid("email", "or phone is required")
        zone = "UTC" if body.timezone is None else require_known_zone(body.timezone)
        preferences = Preferences(language=body.language or device_language, timezone=zone)
        outbox = [self._event(EventType.ACCOUNT_REGISTERED)]
        user = await self._add_user(body, Role(body.role), outbox, preferences)
        return await self._sign_in.complete(user, device, frozenset({SignInMethod.PASSWORD}))

    async def create_admin(self, email: str, name: str, password: str) -> UserOut:
        """Create an admin for the command line; no route does. Raises Invalid as `Register` would."""
        try:
            body = normalize_texts(msgspec.convert({"email": email, "name": name, "password": password}, Register))
        except msgspec.ValidationError as error:
            raise Invalid(*field_fault_of(error)) from None
        return user_out(await self._add_user(body, Role.ADMIN, [], Preferences()))

    async def _add_user(self, body: Register, role: Role, outbox: list[AccountEvent], preferences: Preferences) -> User:
        user = User(
            id=new_id(),
            email=body.email,
            phone=body.phone,
            password_hash=await self._passwords.hash(body.password),
            name=body.name,
            role=role,
            preferences=preferences,
            outbox=outbox,
            created_at=self._clock(),
        )
        await self._users.add(user)
        return user

    async def login(self, credentials: Login, device: Device) -> SignedIn:
        """Sign in. Raises WrongCredentials, without revealing by text or time which part was wrong.

        Raises SecondFactorRequired and AccountSuspended after the right password, and TooManyRequests without a check
        of the password.
        """
        if (credentials.email is None) == (credentials.phone is None):
            raise Invalid("email", "or phone is required, and not both")
        forms = email_forms(credentials.email) if credentials.email else phone_forms(credentials.phone or "")
        user = await self._users.find_by_sign_in("email" if credentials.email else "phone", forms)
        async with self._attempts.attempt(forms[-1], [user.id] if user else [], device):
            match = await self._passwords.find_match(credentials.password, [user.password_hash if user else None])
            if user is None or match is None:
                raise WrongCredentials
            return await self._sign_in.begin(user, device, SignInMethod.PASSWORD)

    async def get_profile(self, actor: Actor) -> UserOut:
        user = await self._users.find(actor.id)
        if user is None:
            raise NotFound
        return user_out(user)

    async def find(self, user_id: UUID) -> User | None:
        """Find a user for other features, with fields that no client may see."""
        return await self._users.find(user_id)

    async def find_by_email(self, email: str) -> User | None:
        return await self._users.find_by_sign_in("email", email_forms(email))

    async def find_names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return people's names by id, with one query; ids without an account are left out."""
        return await self._users.find_names(user_ids) if user_ids else {}

    async def list_live_devices(self, user_id: UUID) -> set[str]:
        """Return the ids, as given by the clients, of the devices with a live session of the user."""
        return await self._sessions.list_live_devices(user_id, self._clock())

    async def find_notice_device(self, user_id: UUID, event_id: UUID) -> Device | None:
        """Find the device of the login with this `account.new_device` event. Returns None if its session is gone."""
        return await self._sessions.find_notice_device(user_id, event_id)

    def _event(self, kind: EventType) -> AccountEvent:
        return new_account_event(kind, self._clock())
