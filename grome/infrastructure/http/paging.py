"""Lists page by an opaque cursor that says after which row to go on; never by a number of rows to skip."""

import base64
import binascii
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from grome.common.errors import Invalid

C = TypeVar("C")
_encode_json = msgspec.json.Encoder().encode


Cursor = Annotated[str, Meta(max_length=400, description="`next_cursor` of the page before.")]


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="Rows on a page.")] = 20
    cursor: Cursor | None = None


def encode_cursor(position: Struct) -> str:
    return base64.urlsafe_b64encode(_encode_json(position)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, position: type[C]) -> C | None:
    """The position that `encode_cursor` wrote; raises Invalid for anything else."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=position)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise Invalid("cursor", "is not one that this list gave out") from None
