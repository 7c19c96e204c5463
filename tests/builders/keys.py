"""Keys of tests."""

import base64
import json
import os

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from grome.infrastructure.secret_keys import SecretKeys


def new_signing_key() -> str:
    return pem_of(Ed25519PrivateKey.generate())


def new_secrets_key(number: int) -> str:
    """Return a random key in the form of the settings."""
    return f"{number}:{base64.b64encode(os.urandom(32)).decode()}"


def new_service_account(**changed: str | None) -> str:
    """Return the JSON key file of a Google service account; a field that is changed to None is left out."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    account: dict[str, str | None] = {
        "type": "service_account",
        "project_id": "shop",
        "client_email": "push@shop.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
        **changed,
    }
    return json.dumps({name: value for name, value in account.items() if value is not None})


def secret_keys(signing_key: str = "", secrets_keys: str = "") -> SecretKeys:
    """Return the keys that follow from a signing key, a new one by default."""
    return SecretKeys([signing_key or new_signing_key()], secrets_keys)


def pem_of(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
