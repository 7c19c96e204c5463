"""Read and change a user's preferences about messages, language, time zone and presence."""

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from grome.accounts.models import Preferences, QuietHours, Topic, User
from grome.accounts.repository import UserRepository
from grome.accounts.schemas import PreferencesPatch
from grome.common.actor import Actor
from grome.common.clock import ZONES
from grome.common.errors import Invalid, NotFound


class PreferenceService:
    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def get(self, user_id: UUID) -> Preferences:
        """Return a user's preferences. Raises NotFound if the account does not exist."""
        return _preferences_of(await self._users.find(user_id))

    async def find_hiding_last_seen(self, user_ids: Collection[UUID]) -> frozenset[UUID]:
        """Return the users among these that let nobody see when they were last online."""
        return await self._users.find_hiding_last_seen(user_ids) if user_ids else frozenset()

    async def update(self, actor: Actor, patch: PreferencesPatch) -> Preferences:
        """Store the changed fields.

        Raises Invalid for an unknown time zone, and for quiet hours with equal start and end.
        """
        if patch.timezone is not UNSET:
            require_known_zone(patch.timezone)
        if isinstance(patch.quiet_hours, QuietHours) and patch.quiet_hours.start == patch.quiet_hours.end:
            raise Invalid("quiet_hours.end", "is the same as the start; use null for no quiet hours")
        changed = dict(_iter_changes(patch, ""))
        if not changed:
            return await self.get(actor.id)
        return _preferences_of(await self._users.set_preferences(actor.id, changed))

    async def mute_topic(self, user_id: UUID, topic: Topic) -> Preferences:
        """Stop email about a topic. Idempotent. Raises NotFound if the account does not exist."""
        return _preferences_of(await self._users.add_muted_topic(user_id, topic.value))


def require_known_zone(name: str) -> str:
    """Return the name of a time zone. Raises Invalid if it is unknown."""
    if name not in ZONES:
        raise Invalid("timezone", "is not an IANA time zone")
    return name


def _preferences_of(user: User | None) -> Preferences:
    if user is None:
        raise NotFound
    return user.preferences


def _iter_changes(patch: Struct, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield paths within the preferences with the values to store; lists lose duplicates."""
    for name in patch.__struct_fields__:
        value = getattr(patch, name)
        if value is UNSET:
            continue
        if isinstance(value, Struct) and not isinstance(value, QuietHours):
            yield from _iter_changes(value, f"{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", msgspec.to_builtins(list(dict.fromkeys(value)))
        else:
            yield f"{prefix}{name}", msgspec.to_builtins(value)
