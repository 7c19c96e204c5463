"""Tokens in addresses, signed by keys that follow from the secrets keys, one for each purpose."""

import base64

from grome.infrastructure.secret_keys import Macs, SecretKeys


def link_signer(keys: SecretKeys, purpose: str, mac_bytes: int) -> Macs:
    """Return the signer of links, which accepts links of all releases: many of them never expire."""
    return Macs([*keys.derive(purpose), *keys.digest_texts(purpose)], mac_bytes)


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
