"""Create, seal and use the signing secrets of endpoints (Standard Webhooks, symmetric signatures)."""

import base64
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from standardwebhooks import Webhook

from grome.infrastructure.secret_keys import Sealer, SecretKeys
from grome.webhooks.errors import UnreadableSecretError

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    return os.urandom(_SECRET_BYTES)


def encode_secret(secret: bytes) -> str:
    """Return the secret in the form that its owner gets."""
    return _PREFIX + base64.b64encode(secret).decode()


def sign(secrets: Sequence[bytes], message_id: UUID, at: datetime, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature by each secret, any of which the receiver may check."""
    text = body.decode()
    return " ".join(Webhook(secret).sign(str(message_id), at, text) for secret in secrets)


class SecretSealer:
    """Seals the secrets of endpoints, each bound to its endpoint's id, so that it is useless in another document."""

    def __init__(self, keys: SecretKeys) -> None:
        self._sealer = Sealer(keys, "webhook secrets 2", keys.derive_from_texts(b"grome webhook secrets 1"))

    def seal(self, secret: bytes, endpoint_id: UUID) -> bytes:
        return self._sealer.seal(secret, endpoint_id.bytes)

    def reseal(self, sealed: bytes, endpoint_id: UUID) -> bytes:
        """Return the same secret sealed by the current key; unchanged if it is, or if no key opens it."""
        return self._sealer.reseal(sealed, endpoint_id.bytes)

    def open(self, sealed: bytes, endpoint_id: UUID) -> bytes:
        """Return the secret. Raises UnreadableSecretError."""
        secret = self._sealer.open(sealed, endpoint_id.bytes)
        if secret is None:
            raise UnreadableSecretError
        return secret
