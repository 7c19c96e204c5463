"""Frames that the server sends (RFC 6455, section 5.2): unmasked, unfragmented, built once for many sockets."""

import struct
from typing import Final

_FINAL_TEXT: Final = 0x81
_FINAL_BINARY: Final = 0x82
PING_FRAME: Final = b"\x89\x00"
# The second byte holds a length below 126, or the number that says how wide the length after it is.
_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127
_MAX_TWO_BYTES: Final = 0xFFFF


def text_frame(payload: bytes) -> bytes:
    """Return a text frame; `payload` is UTF-8."""
    return _frame(_FINAL_TEXT, payload)


def binary_frame(payload: bytes) -> bytes:
    return _frame(_FINAL_BINARY, payload)


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < _TWO_BYTES:
        return bytes((first, length)) + payload
    if length <= _MAX_TWO_BYTES:
        return struct.pack("!BBH", first, _TWO_BYTES, length) + payload
    return struct.pack("!BBQ", first, _EIGHT_BYTES, length) + payload
