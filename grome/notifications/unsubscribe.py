"""Unsubscribe from mail about a topic with one click (RFC 8058), by links that need no login and never expire."""

from typing import Final
from uuid import UUID

from grome.accounts.models import Preferences, Topic
from grome.accounts.preferences import PreferenceService
from grome.common.errors import NotFound
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signed_tokens import decode_token, encode_token, link_signer

PATH: Final = "/v1/unsubscribe"
_ID_BYTES, _MAC_BYTES = 16, 16


class UnsubscribeLinks:
    """Creates and reads unsubscribe links.

    A token holds user id, topic and their HMAC by a key that follows from the secrets key.
    """

    def __init__(self, keys: SecretKeys, public_url: str) -> None:
        self._signer = link_signer(keys, "unsubscribe links", _MAC_BYTES)
        self._public_url = public_url

    def url(self, user_id: UUID, topic: Topic) -> str:
        return f"{self._public_url}{PATH}/{self.token(user_id, topic)}"

    def token(self, user_id: UUID, topic: Topic) -> str:
        said = user_id.bytes + topic.value.encode()
        return encode_token(self._signer.sign(said) + said)

    def read(self, token: str) -> tuple[UUID, Topic]:
        """Return user id and topic of a token. Raises NotFound if the token is not valid."""
        raw = decode_token(token) or b""
        mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not self._signer.is_signed(said, mac):
            raise _unknown_link()
        try:
            return UUID(bytes=said[:_ID_BYTES]), Topic(said[_ID_BYTES:].decode())
        except ValueError:
            raise _unknown_link() from None


class UnsubscribeService:
    """Serves the unsubscribe links of mails."""

    def __init__(self, links: UnsubscribeLinks, preferences: PreferenceService) -> None:
        self._links, self._preferences = links, preferences

    async def preview(self, token: str) -> tuple[Topic, Preferences]:
        """Return the topic of the link and the user's preferences, unchanged. Raises NotFound."""
        user_id, topic = self._links.read(token)
        return topic, await self._preferences.get(user_id)

    async def unsubscribe(self, token: str) -> tuple[Topic, Preferences]:
        """Stop mail about the topic of the link. Raises NotFound."""
        user_id, topic = self._links.read(token)
        return topic, await self._preferences.mute_topic(user_id, topic)


def _unknown_link() -> NotFound:
    return NotFound("The link is not valid, or its account is gone.")
