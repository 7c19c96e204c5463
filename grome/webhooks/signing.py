"""Create, seal and use the signing secrets of endpoints (Standard Webhooks, symmetric signatures)."""

import base64
import hmac
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grome.infrastructure.signed_tokens import derive_key
from grome.webhooks.errors import UnreadableSecretError

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def new_secret() -> bytes:
    return os.urandom(_SECRET_BYTES)


def encode_secret(secret: bytes) -> str:
    """Return the secret in the form that its owner gets."""
    return _PREFIX + base64.b64encode(secret).decode()


def sign(secrets: Sequence[bytes], message_id: UUID, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature by each secret, any of which the receiver may check."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}" for secret in secrets)


class SecretSealer:
    """Seals secrets by AES-GCM with a key derived from the server's signing key.

    The database alone therefore reveals no secret. A sealed secret is bound to its endpoint's id, so that it is useless
    in another document. After a change of the signing key, older sealed secrets are unreadable, and each endpoint needs
    a new secret.
    """

    def __init__(self, signing_key: str) -> None:
        self._cipher = AESGCM(derive_key(signing_key, "webhook secrets 2"))
        # Earlier releases derived the key from the PEM text, in which a final newline counted.
        old = HKDF(SHA256(), length=32, salt=None, info=b"grome webhook secrets 1").derive(signing_key.encode())
        self._old_cipher = AESGCM(old)

    def seal(self, secret: bytes, endpoint_id: UUID) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, endpoint_id.bytes)

    def open(self, sealed: bytes, endpoint_id: UUID) -> bytes:
        """Return the secret. Raises UnreadableSecretError."""
        for cipher in (self._cipher, self._old_cipher):
            with suppress(InvalidTag):
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], endpoint_id.bytes)
        raise UnreadableSecretError
