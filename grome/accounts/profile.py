"""Read and change the profile of an account."""

from typing import Final

from msgspec import UNSET

from grome.accounts.events import new_account_event
from grome.accounts.preferences import require_known_zone
from grome.accounts.repository import UserRepository
from grome.accounts.schemas import ProfilePatch, UserOut, user_out
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound, Unavailable
from grome.infrastructure.outbox.models import Change, EventType

_ATTEMPTS: Final = 8


class ProfileService:
    def __init__(self, users: UserRepository, clock: Clock) -> None:
        self._users, self._clock = users, clock

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
        wanted = {path: value for path, value in paths.items() if isinstance(value, str)}
        for _ in range(_ATTEMPTS):
            user = await self._users.find(actor.id)
            if user is None:
                raise NotFound
            present = {
                "name": user.name,
                "preferences.language": user.preferences.language,
                "preferences.timezone": user.preferences.timezone,
            }
            changed = {path: value for path, value in wanted.items() if value != present[path]}
            if not changed:
                return user_out(user)
            changes = [Change(path, present[path], value, is_personal=True) for path, value in changed.items()]
            event = new_account_event(EventType.ACCOUNT_PROFILE_CHANGED, self._clock(), *changes)
            before = {path: present[path] for path in changed}
            if stored := await self._users.change_fields(actor.id, before, changed, event):
                return user_out(stored)
        raise Unavailable("The account keeps changing; try again.")
