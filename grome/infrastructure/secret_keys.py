"""Keys for secrets, derived for each purpose from the secrets keys, which have versions and can be rotated."""

import hashlib
import hmac
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.keys import parse_numbered_keys
from grome.infrastructure.signing_keys import load_signing_key

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
# An entry without a key: the keys that earlier releases derived from the signing key.
FROM_SIGNING_KEY: Final = "0"


class SecretKeys:
    """Derives keys: for new secrets from the first secrets key, and for existing secrets from each of them.

    Earlier releases derived all keys from the signing key. Their secrets and links stay readable. Without a secrets
    key, the signing key takes its place.
    """

    def __init__(self, signing_keys: Sequence[str], secrets_keys: str = "") -> None:
        """Take PEM texts, the current first, and the setting `accounts.secrets_keys`. Raises like load_signing_key."""
        self._texts = list(dict.fromkeys(spelling for pem in signing_keys for spelling in _spellings(pem)))
        derived = [load_signing_key(pem).private_bytes_raw() for pem in signing_keys]
        listed = [
            derived[0] if entry == FROM_SIGNING_KEY else next(iter(parse_numbered_keys(entry).values()))
            for entry in secrets_keys.split(",")
            if entry
        ]
        self._roots = list(dict.fromkeys([*listed, *derived]))

    def derive(self, purpose: str) -> list[bytes]:
        """Return the keys of a purpose: the current first, then the keys that only read."""
        return [_derive(root, purpose) for root in self._roots]

    def derive_from_texts(self, info: bytes) -> list[bytes]:
        """Derive keys as the first releases did for webhooks: from the PEM text, in which a final newline counted."""
        return [HKDF(SHA256(), length=KEY_BYTES, salt=None, info=info).derive(text.encode()) for text in self._texts]

    def digest_texts(self, purpose: str) -> list[bytes]:
        """Derive keys as the first releases did for links, which never expire."""
        return [hashlib.sha256(purpose.encode() + b"\0" + text.encode()).digest() for text in self._texts]


class Sealer:
    """Seals secrets for the database by AES-GCM, each bound to the id of its document.

    The database alone therefore reveals no secret, and a sealed secret is useless in another document.
    """

    def __init__(self, keys: SecretKeys, purpose: str, older: Sequence[bytes] = ()) -> None:
        """Seal under the current key of the purpose; open by any of its keys and by the `older` keys."""
        self._ciphers = [AESGCM(key) for key in (*keys.derive(purpose), *older)]

    def seal(self, secret: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, secret, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        """Return the secret; None if no key opens it, or if it is bound to something else."""
        opened = (_open(cipher, sealed, bound_to) for cipher in self._ciphers)
        return next((secret for secret in opened if secret is not None), None)

    def is_current(self, sealed: bytes, bound_to: bytes) -> bool:
        """Return whether the current key opens it; otherwise it needs to be sealed anew before its key is removed."""
        return _open(self._ciphers[0], sealed, bound_to) is not None

    def reseal(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Return the same secret sealed by the current key; unchanged if it is, or if no key opens it."""
        secret = None if self.is_current(sealed, bound_to) else self.open(sealed, bound_to)
        return sealed if secret is None else self.seal(secret, bound_to)


class Macs:
    """HMACs by keys of a purpose. `sign` uses the current key, `is_signed` accepts older keys too."""

    def __init__(self, keys: Sequence[bytes], mac_bytes: int = KEY_BYTES) -> None:
        self._keys, self._mac_bytes = keys, mac_bytes

    def sign(self, said: bytes) -> bytes:
        return self._mac(self._keys[0], said)

    def is_signed(self, said: bytes, mac: bytes) -> bool:
        return any(hmac.compare_digest(mac, self._mac(key, said)) for key in self._keys)

    def _mac(self, key: bytes, said: bytes) -> bytes:
        return hmac.digest(key, said, "sha256")[: self._mac_bytes]


def _derive(root: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=b"grome " + purpose.encode()).derive(root)


def _open(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes | None:
    with suppress(InvalidTag, ValueError):  # ValueError: shorter than a nonce and a tag
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    return None


def _spellings(pem: str) -> tuple[str, str, str]:
    return pem, pem.strip(), pem.strip() + "\n"
