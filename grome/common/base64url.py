"""Bytes as text that fits an address: base64url without padding (RFC 4648, section 5)."""

import base64


def encode_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes | None:
    """Return the bytes of a text in the form of `encode_base64url`; None for any other text."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:  # invalid base64, or text that is not ASCII
        return None
    return raw if encode_base64url(raw) == text else None
