"""Encode pages of barbers by joining pieces of JSON that are encoded already."""

from collections.abc import Sequence
from math import asin, sqrt
from typing import Final

from grome.common.geo import EARTH_RADIUS_M
from grome.infrastructure.http.paging import encode_cursor
from grome.nearby.barber_array import IndexedBarber
from grome.nearby.models import CursorPosition

_TENTHS_PER_RADIAN: Final = 2 * EARTH_RADIUS_M * 10


class _EncodedDistances(dict[int, bytes]):
    """Maps tenths of a metre to their JSON in metres, and keeps the JSON of distances up to five kilometres."""

    def __missing__(self, tenths: int) -> bytes:
        encoded = b"%d.%d" % divmod(tenths, 10)
        if tenths < 50_000:  # noqa: PLR2004 -- five kilometres
            self[tenths] = encoded
        return encoded


_encode_tenths: Final = _EncodedDistances().__getitem__


def encode_page(barbers: Sequence[IndexedBarber], chord2s: Sequence[float], last: CursorPosition | None) -> bytes:
    """Return the JSON of a `NearbyPage`; `last` is the position of its cursor, None without a further page."""
    pieces = [b'{"items":[']
    for barber, chord2 in zip(barbers, chord2s, strict=True):
        pieces += (barber.head, _encode_tenths(int(asin(sqrt(chord2) / 2) * _TENTHS_PER_RADIAN + 0.5)), barber.tail)
    if barbers:
        pieces[1] = pieces[1][1:]  # each head begins with a comma
    pieces.append(b'],"next_cursor":null}' if last is None else b'],"next_cursor":"%b"}' % encode_cursor(last).encode())
    return b"".join(pieces)
