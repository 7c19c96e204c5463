"""Keys derived from the server's signing key, one for each purpose."""

import base64
import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_KEY_BYTES: Final = 32


def load_signing_key(pem: str) -> Ed25519PrivateKey:
    """Raises TypeError for a private key of another kind, and ValueError for text that is not a private key."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("GROME_ACCOUNTS_SIGNING_KEY is not an Ed25519 private key")
    return key


def derive_key(pem: str, purpose: str) -> bytes:
    """Derive a key from the 32 bytes of the signing key: line breaks around the PEM text do not matter."""
    raw = load_signing_key(pem).private_bytes_raw()
    return HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=b"grome " + purpose.encode()).derive(raw)


def derive_key_from_text(pem: str, purpose: str) -> bytes:
    """Derive a key as earlier releases did: from the PEM text, in which a final newline counted.

    Links and addresses that those releases handed out never expire, so readers accept both derivations.
    """
    return hashlib.sha256(purpose.encode() + b"\0" + pem.encode()).digest()


class LinkSigner:
    """HMACs for tokens in addresses. `sign` uses the current derivation of the key, `is_signed` accepts the old too."""

    def __init__(self, pem: str, purpose: str, mac_bytes: int) -> None:
        self._key, self._old_key = derive_key(pem, purpose), derive_key_from_text(pem, purpose)
        self._mac_bytes = mac_bytes

    def sign(self, said: bytes) -> bytes:
        return self._mac(self._key, said)

    def is_signed(self, said: bytes, mac: bytes) -> bool:
        return any(hmac.compare_digest(mac, self._mac(key, said)) for key in (self._key, self._old_key))

    def _mac(self, key: bytes, said: bytes) -> bytes:
        return hmac.digest(key, said, "sha256")[: self._mac_bytes]


def encode_token(raw: bytes) -> str:
    """Return the bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_token(token: str) -> bytes | None:
    """Return the bytes of a token in the form of `encode_token`; None for any other text."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:  # invalid base64, or text that is not ASCII
        return None
    return raw if encode_token(raw) == token else None
