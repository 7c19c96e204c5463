"""Recognize the type of a file by its first bytes."""

from typing import Final

from grome.uploads.models import ContentType

_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PDF: Final = b"%PDF-"
_RIFF, _WEBP, _WEBP_AT = b"RIFF", b"WEBP", 8
SNIFFED_BYTES: Final = 16


def sniff(beginning: bytes) -> ContentType | None:
    """Return the type of a file by its first 16 bytes, None for a type that no upload may have."""
    if beginning.startswith(_JPEG):
        return ContentType.JPEG
    if beginning.startswith(_PNG):
        return ContentType.PNG
    if beginning.startswith(_PDF):
        return ContentType.PDF
    if beginning.startswith(_RIFF) and beginning[_WEBP_AT : _WEBP_AT + len(_WEBP)] == _WEBP:
        return ContentType.WEBP
    return None
