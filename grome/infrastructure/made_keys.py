"""Keys that a Grome outside production makes and keeps in its home folder, readable by the owner only."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.settings import Settings


def with_made_keys(settings: Settings, home: Path) -> Settings:
    """Fill in the keys that the settings lack; production never lacks one."""
    given = settings.accounts
    accounts = msgspec.structs.replace(
        given,
        signing_key=given.signing_key or load_or_create_signing_key(home),
        secrets_keys=given.secrets_keys or _load_or_create(home / "secrets-key", _new_key),
        pepper=given.pepper or _load_or_create(home / "pepper", _new_key),
    )
    return msgspec.structs.replace(settings, accounts=accounts)


def load_or_create_signing_key(home: Path) -> str:
    """Return the signing key of a home folder; the first call creates it."""
    return _load_or_create(home / "signing-key.pem", _new_pem)


def _load_or_create(path: Path, create: Callable[[], str]) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(create())
    return path.read_text()


def _new_pem() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _new_key() -> str:
    return f"1:{base64.b64encode(os.urandom(32)).decode()}"
