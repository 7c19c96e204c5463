"""Choose a new password by a code that is sent to an address of the account."""

from grome.accounts.models import SignInName, User
from grome.accounts.own_password import OwnPassword
from grome.accounts.repository import UserRepository
from grome.accounts.schemas import Forgotten, PasswordReset
from grome.accounts.sessions import SessionService
from grome.accounts.sign_in_names import sign_in_name
from grome.codes.errors import CodeRefused
from grome.codes.models import AddressKind, CodePurpose, CodeTarget, address_slot
from grome.codes.service import Codes


class PasswordResets:
    """Resets passwords. A reset signs nobody in, so the second factor is asked at the next login as before."""

    def __init__(self, users: UserRepository, codes: Codes, password: OwnPassword, sessions: SessionService) -> None:
        self._users, self._codes, self._password, self._sessions = users, codes, password, sessions

    async def request(self, body: Forgotten, network: str) -> None:
        """Send a code if this address may reset an account. All else is the same if not.

        Raises TooManyRequests.
        """
        name = sign_in_name(body.email, body.phone)
        owner = (await self._users.find_by_name(name)).owner
        target = CodeTarget(
            purpose=CodePurpose.RESET_PASSWORD,
            kind=AddressKind(name.field),
            address=name.normal,
            user_id=owner.id if owner and _may_reset(owner, name) else None,
        )
        await self._codes.request(target, network)

    async def reset(self, body: PasswordReset) -> None:
        """Store the new password, and end all sessions of the account.

        Raises CodeRefused, and Invalid for a password that is easy to guess, which does not use up the code.
        """
        name = sign_in_name(body.email, body.phone)
        slot = address_slot(CodePurpose.RESET_PASSWORD, name.normal)
        code = await self._codes.check(slot, CodePurpose.RESET_PASSWORD, body.code)
        user = await self._users.find(code.user_id) if code.user_id else None
        if user is None or user.deleted_at or getattr(user, name.field) != code.address:
            raise CodeRefused
        new_hash = await self._password.hash_new("password", body.password, user)
        await self._codes.use(code)
        if await self._password.store(user, new_hash) is None:
            raise CodeRefused  # the password was changed meanwhile, by a person who knew it
        await self._users.mark_verified(user.id, name.field, name.normal)
        await self._sessions.end_all(user.id, "password reset")


def _may_reset(user: User, name: SignInName) -> bool:
    """Return whether a code to this address may open the account.

    An address that nobody has proved must not open an account with a proved address: it may be mistyped.
    """
    is_verified = user.email_verified if name.field == "email" else user.phone_verified
    return is_verified or not (user.email_verified or user.phone_verified)
