"""Read and change the profile of an account."""

from msgspec import UNSET

from grome.accounts.preferences import require_known_zone
from grome.accounts.repository import UserRepository
from grome.accounts.schemas import ProfilePatch, UserOut, user_out
from grome.common.actor import Actor
from grome.common.errors import NotFound


class ProfileService:
    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def get(self, actor: Actor) -> UserOut:
        user = await self._users.find(actor.id)
        if user is None:
            raise NotFound
        return user_out(user)

    async def update(self, actor: Actor, patch: ProfilePatch) -> UserOut:
        """Store the changed fields. Raises Invalid for an unknown time zone."""
        if patch.timezone is not UNSET:
            require_known_zone(patch.timezone)
        paths = {
            "name": patch.name,
            "preferences.language": patch.language,
            "preferences.timezone": patch.timezone,
        }
        changed = {path: value for path, value in paths.items() if value is not UNSET}
        if not changed:
            return await self.get(actor)
        user = await self._users.set_fields(actor.id, changed)
        if user is None:
            raise NotFound
        return user_out(user)
