"""Register, log in, and find users."""

from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

from grome.accounts.attempts import SignInAttempts
from grome.accounts.errors import WrongCredentials
from grome.accounts.events import new_account_event
from grome.accounts.models import AccountEvent, Device, NamedAccounts, Preferences, User
from grome.accounts.new_accounts import NewAccounts
from grome.accounts.password_rules import PasswordRules
from grome.accounts.passwords import PasswordHasher
from grome.accounts.preferences import require_known_zone
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.schemas import Login, Register, SignedIn, UserOut, user_out
from grome.accounts.sign_in import SignIn
from grome.accounts.sign_in_names import sign_in_name
from grome.common.actor import Role, SignInMethod
from grome.common.clock import Clock
from grome.common.errors import Invalid, Unavailable
from grome.common.ids import new_id
from grome.common.input_faults import convert_input
from grome.common.languages import Language
from grome.infrastructure.outbox.models import EventType


class AccountService:
    def __init__(
        self,
        repositories: tuple[UserRepository, SessionRepository],
        new_accounts: NewAccounts,
        sign_in: SignIn,
        passwords: PasswordHasher,
        rules: PasswordRules,
        attempts: SignInAttempts,
        clock: Clock,
    ) -> None:
        (self._users, self._sessions), self._new_accounts = repositories, new_accounts
        self._sign_in, self._passwords, self._rules = sign_in, passwords, rules
        self._attempts, self._clock = attempts, clock

    async def register(self, body: Register, device: Device, device_language: Language = "en") -> SignedIn:
        """Open an account and sign in. An address that belongs to another account is claimed only.

        Without a language in the body, `device_language` is used: the first message is sent before preferences can be
        changed. Raises Invalid for a password that is easy to guess.
        """
        if body.email is None and body.phone is None:
            raise Invalid("email", "is required without `phone`")
        self._passwords.require_place()
        zone = "UTC" if body.timezone is None else require_known_zone(body.timezone)
        preferences = Preferences(language=body.language or device_language, timezone=zone)
        registered = new_account_event(EventType.ACCOUNT_REGISTERED, self._clock())
        user = await self._new_accounts.add(await self._new_user(body, Role(body.role), [registered], preferences))
        return await self._sign_in.complete(user, device, frozenset({SignInMethod.PASSWORD}))

    async def create_admin(self, email: str, name: str, password: str) -> UserOut:
        """Create an admin for the command line; no route does.

        Raises Invalid as `register` would, and if the email belongs to another account.
        """
        body = convert_input({"email": email, "name": name, "password": password}, Register)
        return user_out(await self._new_accounts.add_owner(await self._new_user(body, Role.ADMIN, [], Preferences())))

    async def _new_user(self, body: Register, role: Role, outbox: list[AccountEvent], preferences: Preferences) -> User:
        await self._rules.require_strong("password", body.password, (body.name, body.email, body.phone))
        return User(
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

    async def login(self, credentials: Login, device: Device) -> SignedIn:
        """Sign in. Raises WrongCredentials, without revealing by text or time which part was wrong.

        Raises SecondFactorRequired and AccountSuspended after the right password, and TooManyRequests without a check
        of the password.
        """
        self._passwords.require_place()
        name = sign_in_name(credentials.email, credentials.phone)
        named = await self._users.find_by_name(name)
        async with self._attempts.attempt(name.normal, [user.id for user in named.all], device):
            user = await self._find_by_password(named, credentials.password)
            if user is None:
                raise WrongCredentials
            if self._passwords.needs_rehash(user.password_hash):
                with suppress(Unavailable):  # in a storm of logins, a later login renews the hash
                    await self._users.renew_hash(user, await self._passwords.hash(credentials.password))
            return await self._sign_in.begin(user, device, SignInMethod.PASSWORD)

    async def _find_by_password(self, named: NamedAccounts, password: str) -> User | None:
        """Return the account with this password. A failure costs two checks, whichever of the accounts exist."""
        users = [named.owner, named.claimant]
        match = await self._passwords.find_match(password, [user.password_hash if user else None for user in users])
        return None if match is None else users[match]

    async def find(self, user_id: UUID) -> User | None:
        """Find a user for other features, with fields that no client may see."""
        return await self._users.find(user_id)

    async def find_by_email(self, email: str) -> User | None:
        return (await self._users.find_by_name(sign_in_name(email, None))).owner

    async def find_names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return people's names by id, with one query; ids without an account are left out."""
        return await self._users.find_names(user_ids) if user_ids else {}

    async def list_live_devices(self, user_id: UUID) -> set[str]:
        """Return the ids, as given by the clients, of the devices with a live session of the user."""
        return await self._sessions.list_live_devices(user_id, self._clock())

    async def find_notice_device(self, user_id: UUID, event_id: UUID) -> Device | None:
        """Find the device of the login with this `account.new_device` event. Returns None if its session is gone."""
        return await self._sessions.find_notice_device(user_id, event_id)
