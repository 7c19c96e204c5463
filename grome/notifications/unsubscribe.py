"""Unsubscribe from mail about a topic with one click (RFC 8058), by links that need no login and never expire."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from grome.accounts.models import Preferences, Topic
from grome.accounts.preferences import PreferenceService
from grome.common.errors import NotFound
from grome.infrastructure.earlier_tokens import EarlierTokens
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signed_tokens import SignedTokens

PATH: Final = "/v1/unsubscribe"
_PURPOSE: Final = "unsubscribe links"
_ID_BYTES: Final = 16


class UnsubscribeLink(Struct, frozen=True, array_like=True):
    """Allows ending mail about a topic to a user."""

    user_id: UUID
    topic: Topic


class UnsubscribeLinks:
    """Creates and reads unsubscribe links."""

    def __init__(self, keys: SecretKeys, public_url: str) -> None:
        self._tokens, self._earlier = SignedTokens(keys, _PURPOSE, UnsubscribeLink), EarlierTokens(keys, _PURPOSE)
        self._public_url = public_url

    def url(self, user_id: UUID, topic: Topic) -> str:
        return f"{self._public_url}{PATH}/{self.token(user_id, topic)}"

    def token(self, user_id: UUID, topic: Topic) -> str:
        return self._tokens.write(UnsubscribeLink(user_id, topic))

    def read(self, token: str) -> UnsubscribeLink:
        """Return user and topic of a token. Raises NotFound if the token is not valid."""
        link = self._tokens.read(token) or self._find_earlier(token)
        if link is None:
            raise NotFound("The link is not valid, or its account is gone.")
        return link

    def _find_earlier(self, token: str) -> UnsubscribeLink | None:
        payload = self._earlier.read(token)
        if payload is None:
            return None
        return UnsubscribeLink(UUID(bytes=payload[:_ID_BYTES]), Topic(payload[_ID_BYTES:].decode()))


class UnsubscribeService:
    """Serves the unsubscribe links of mails."""

    def __init__(self, links: UnsubscribeLinks, preferences: PreferenceService) -> None:
        self._links, self._preferences = links, preferences

    async def preview(self, token: str) -> tuple[Topic, Preferences]:
        """Return the topic of the link and the user's preferences, unchanged. Raises NotFound."""
        link = self._links.read(token)
        return link.topic, await self._preferences.get(link.user_id)

    async def unsubscribe(self, token: str) -> tuple[Topic, Preferences]:
        """Stop mail about the topic of the link. Raises NotFound."""
        link = self._links.read(token)
        return link.topic, await self._preferences.mute_topic(link.user_id, link.topic)
