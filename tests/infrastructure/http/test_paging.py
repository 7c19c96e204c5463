"""A cursor decodes to the position that was encoded, and other texts are rejected."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from grome.common.errors import Invalid
from grome.infrastructure.http import decode_cursor
from grome.infrastructure.http.paging import encode_cursor


class Position(Struct, frozen=True):
    at: datetime
    key: float
    name: str
    id: UUID


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
positions = st.builds(
    Position,
    at=st.datetimes(timezones=st.just(UTC) | zones),
    key=st.floats(allow_nan=False, allow_infinity=False),
    name=st.text(max_size=80).filter(lambda text: text.encode(errors="ignore").decode() == text),
    id=st.uuids(),
)


@given(positions)
def test_cursor_of_a_position_decodes_to_the_position(position: Position) -> None:
    cursor = encode_cursor(position)
    assert decode_cursor(cursor, Position) == position
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_missing_cursor_decodes_to_none() -> None:
    assert decode_cursor(None, Position) is None


def refuse(cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode_cursor(cursor, Position)
    assert refused.value.faults == (("cursor", "is not one that this list gave out"),)


@given(st.text(max_size=60))
def test_cursor_of_any_text_is_refused_with_the_field(garbage: str) -> None:
    refuse(garbage)


@given(st.binary(max_size=60))
def test_cursor_of_any_encoded_bytes_is_refused_with_the_field(garbage: bytes) -> None:
    refuse(base64.urlsafe_b64encode(garbage).decode())


@pytest.mark.parametrize(
    "inner", [b"", b"{}", b"[]", b"null", b"\xff", b'{"at":', b'{"at":null,"key":0,"name":"","id":0}']
)
def test_cursor_of_another_json_value_is_refused(inner: bytes) -> None:
    refuse(base64.urlsafe_b64encode(inner).decode().rstrip("="))


@given(positions, st.data())
def test_truncated_cursor_is_refused(position: Position, data: st.DataObject) -> None:
    cursor = encode_cursor(position)
    refuse(cursor[: data.draw(st.integers(0, len(cursor) - 2))])
