"""Page lists by an opaque cursor, which holds the position of the last row. Offsets are not supported."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from grome.common.errors import Invalid

C = TypeVar("C")
Row = TypeVar("Row")
_encode_json = msgspec.json.Encoder().encode


Cursor = Annotated[str, Meta(max_length=400, description="`next_cursor` of the page before.")]
NextCursor = Annotated[str | None, Meta(description="Send it as `cursor` for the next page; null on the last page.")]


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="Rows on a page.")] = 20
    cursor: Cursor | None = None


def encode_cursor(position: Struct) -> str:
    return base64.urlsafe_b64encode(_encode_json(position)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, position: type[C]) -> C | None:
    """Decode a cursor of `encode_cursor`. Raises Invalid for any other text."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=position)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise Invalid("cursor", "is not one that this list gave out") from None


def cut_page(found: list[Row], limit: int, position_of: Callable[[Row], Struct]) -> tuple[list[Row], str | None]:
    """Return the rows of a page and the cursor of the next page, or None on the last page.

    `found` are up to `limit + 1` rows: the row beyond the page proves that there is a next page.
    """
    page = found[:limit]
    return page, encode_cursor(position_of(page[-1])) if len(found) > limit else None
