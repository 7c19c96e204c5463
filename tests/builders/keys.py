"""Keys of tests."""

import base64
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from grome.infrastructure.secret_keys import SecretKeys


def new_signing_key() -> str:
    return pem_of(Ed25519PrivateKey.generate())


def new_secrets_key(number: int) -> str:
    """Return a random key in the form of the settings."""
    return f"{number}:{base64.b64encode(os.urandom(32)).decode()}"


def secret_keys(signing_key: str = "", secrets_keys: str = "") -> SecretKeys:
    """Return the keys that follow from a signing key, a new one by default."""
    return SecretKeys([signing_key or new_signing_key()], secrets_keys)


def pem_of(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
