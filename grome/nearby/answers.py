"""From rows to the bytes of an answer, joined from what is encoded already."""

from collections.abc import Sequence
from typing import Final

from grome.common.http import encode_cursor
from grome.common.http.answers import accepts_gzip, compressed
from grome.common.http.ready import HeaderLines
from grome.nearby.geometry import metres_of
from grome.nearby.models import Place
from grome.nearby.rows import Row

# Distances up to five kilometres as they are written, by their tenths of a metre.
_TENTHS: Final = tuple(b"%d.%d" % divmod(tenths, 10) for tenths in range(50_000))


def page_of(rows: Sequence[Row], chord2s: Sequence[float], last: Place | None) -> bytes:
    """The JSON of a `NearbyPage`: rows with their squared chords, and where the page ends if another follows."""
    pieces: list[bytes] = []
    for row, chord2 in zip(rows, chord2s, strict=True):
        tenths = int(metres_of(chord2) * 10 + 0.5)
        pieces.append(row.head)
        pieces.append(_TENTHS[tenths] if tenths < len(_TENTHS) else b"%d.%d" % divmod(tenths, 10))
        pieces.append(row.tail)
    items = b"".join(pieces)[1:]  # each head begins with a comma
    if last is None:
        return b'{"items":[%b],"next_cursor":null}' % items
    return b'{"items":[%b],"next_cursor":"%b"}' % (items, encode_cursor(last).encode())


def sent(
    body: bytes, request_id: str, encodings: str, gzip_min_bytes: int, age_s: int | None = None
) -> tuple[bytes, HeaderLines]:
    """The body as it goes out, and the header lines that come before its length.

    Nobody may keep an answer: it is right for one point, and for as long as nobody around it changes.
    """
    lines: HeaderLines = ((b"X-Request-ID", request_id.encode()), (b"Cache-Control", b"no-store"))
    if len(body) >= gzip_min_bytes:
        lines += ((b"Vary", b"Accept-Encoding"),)
        if encodings and accepts_gzip(encodings):
            body = compressed(body)
            lines += ((b"Content-Encoding", b"gzip"),)
    if age_s is not None:
        lines += ((b"Age", b"%d" % age_s),)
    return body, lines
