"""Faults of the keys among the settings. No sentence contains any part of a key."""

import base64
import re
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_KEY_BYTES: Final = 32
# 32 random bytes have fewer different values once in 10^9 keys; a key that somebody typed has.
_FEWEST_VALUES: Final = 20
_ENTRY: Final = re.compile(r"(\d{1,4}):([A-Za-z0-9+/]{43}=)")
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----\n?", re.DOTALL)


def split_pems(text: str) -> list[str]:
    """Return the PEM texts that stand one after another. Raises ValueError if there is other text around them."""
    if _PEM.sub("", text).strip():
        raise ValueError("not only keys in PEM")
    return _PEM.findall(text)


def parse_numbered_keys(text: str) -> dict[int, bytes]:
    """Return the keys of `<number>:<base64>` entries by their numbers, in the order of the entries."""
    entries = (entry.partition(":") for entry in text.split(",") if ":" in entry)
    return {int(number): base64.b64decode(key) for number, _, key in entries}


def signing_key_faults(variable: str, text: str) -> Iterator[str]:
    """Check keys in PEM, one after another."""
    try:
        keys = [load_pem_private_key(pem.encode(), password=None) for pem in split_pems(text)]
    except (ValueError, TypeError):  # TypeError: the key is encrypted
        keys = []
    if not keys or not all(isinstance(key, Ed25519PrivateKey) for key in keys):
        yield f"{variable} is not an Ed25519 private key in PEM: `openssl genpkey -algorithm ed25519` makes one."
    elif any(isinstance(key, Ed25519PrivateKey) and _is_weak(key.private_bytes_raw()) for key in keys):
        yield f"{variable} is weak: `openssl genpkey -algorithm ed25519` makes a random key."


def numbered_key_faults(variable: str, text: str, *, least: int) -> Iterator[str]:
    """Check `<number>:<32 bytes in base64>` entries, separated by commas, with numbers from `least` on.

    The entry `0` needs no key. It stands for the signing key. As the first of several peppers, it stands for hashes
    without a pepper.
    """
    numbers = []
    for position, entry in enumerate(text.split(",")):
        if entry == "0" and (least == 0 or (position == 0 and "," in text)):
            continue
        found = _ENTRY.fullmatch(entry)
        if found is None or int(found[1]) < least:
            yield f"{variable} is not a list of <number>:<32 bytes in base64>: `openssl rand -base64 32` makes a key."
            return
        numbers.append(int(found[1]))
        if _is_weak(base64.b64decode(found[2])):
            yield f"{variable} has a weak key under {found[1]}: `openssl rand -base64 32` makes a random key."
    if len(set(numbers)) < len(numbers):
        yield f"{variable} has two keys of the same number."


def _is_weak(key: bytes) -> bool:
    return len(set(key)) < _FEWEST_VALUES
