"""From rows to the bytes of an answer, joined from what is encoded already."""

from collections.abc import Sequence
from math import asin, sqrt
from typing import Final

from grome.common.geo import EARTH_RADIUS_M
from grome.infrastructure.http.paging import encode_cursor
from grome.nearby.barber_array import IndexedBarber
from grome.nearby.models import CursorPosition

_TENTHS_PER_RADIAN: Final = 2 * EARTH_RADIUS_M * 10


class _EncodedDistances(dict[int, bytes]):
    """Distances as they are written, by their tenths of a metre; up to five kilometres they are kept."""

    def __missing__(self, tenths: int) -> bytes:
        written = b"%d.%d" % divmod(tenths, 10)
        if tenths < 50_000:  # noqa: PLR2004 -- five kilometres
            self[tenths] = written
        return written


_encode_tenths: Final = _EncodedDistances().__getitem__


def encode_page(rows: Sequence[IndexedBarber], chord2s: Sequence[float], last: CursorPosition | None) -> bytes:
    """The JSON of a `NearbyPage`: rows with their squared chords, and where the page ends if another follows."""
    pieces = [b'{"items":[']
    for row, chord2 in zip(rows, chord2s, strict=True):
        pieces += (row.head, _encode_tenths(int(asin(sqrt(chord2) / 2) * _TENTHS_PER_RADIAN + 0.5)), row.tail)
    if rows:
        pieces[1] = pieces[1][1:]  # each head begins with a comma
    pieces.append(b'],"next_cursor":null}' if last is None else b'],"next_cursor":"%b"}' % encode_cursor(last).encode())
    return b"".join(pieces)
