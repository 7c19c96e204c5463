"""Keys among the settings: their form, their strength, and that no fault repeats a key."""

import base64
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.loading import load_settings
from config.settings import SettingsError
from tests.builders.keys import new_signing_key, pem_of


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


RANDOM, TYPED = encoded(os.urandom(32)), encoded(b"correct horse battery staple!!!!")
OTHER_KIND = (
    ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("SIGNING_KEY", "secret", "is not an Ed25519 private key in PEM"),
        ("SIGNING_KEY", OTHER_KIND, "is not an Ed25519 private key in PEM"),
        ("SIGNING_KEY", pem_of(Ed25519PrivateKey.from_private_bytes(bytes(32))), "is weak"),
        ("OLD_SIGNING_KEYS", f"{new_signing_key()} and a secret", "is not an Ed25519 private key in PEM"),
        ("SECRETS_KEYS", RANDOM, "is not a list of"),
        ("SECRETS_KEYS", f"1:{RANDOM},", "is not a list of"),
        ("SECRETS_KEYS", f"1:{encoded(os.urandom(31))}", "is not a list of"),
        ("SECRETS_KEYS", f"1:{TYPED}", "has a weak key under 1"),
        ("SECRETS_KEYS", f"1:{RANDOM},1:{encoded(os.urandom(32))}", "has two keys of the same number"),
        ("PEPPER", f"2:{encoded(bytes(32))}", "has a weak key under 2"),
        ("PEPPER", "0", "is not a list of"),
        ("PEPPER", f"0:{RANDOM}", "is not a list of"),
        ("PEPPER", f"1:{RANDOM},0", "is not a list of"),
    ],
    ids=lambda part: part if part.isupper() and part.isidentifier() else "",  # two processes draw different keys
)
def test_unusable_key_is_refused_in_every_environment(variable: str, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({f"GROME_ACCOUNTS_{variable}": text})
    (fault,) = refused.value.faults
    assert fault.startswith(f"GROME_ACCOUNTS_{variable} {told}")
    assert not any(part in fault for part in (RANDOM, TYPED, "secret"))


def test_keys_of_a_rotation_are_accepted() -> None:
    accounts = load_settings(
        {
            "GROME_ACCOUNTS_SIGNING_KEY": new_signing_key(),
            "GROME_ACCOUNTS_OLD_SIGNING_KEYS": new_signing_key() + new_signing_key(),
            "GROME_ACCOUNTS_SECRETS_KEYS": f"0,2:{RANDOM},1:{encoded(os.urandom(32))}",
            "GROME_ACCOUNTS_PEPPER": f"0,1:{RANDOM}",
        }
    ).accounts
    assert accounts.secrets_keys.startswith("0,2:")
