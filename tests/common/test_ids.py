"""Ids: UUID version 7, in the order in which they were made."""

import time
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from grome.common.ids import new_id


def milliseconds_of(made: UUID) -> int:
    return made.int >> 80


def test_new_id_has_the_uuid_7_layout_of_rfc_9562() -> None:
    before = time.time_ns() // 1_000_000
    made = [new_id() for _ in range(200)]
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert all(before <= milliseconds_of(one) <= after for one in made)


def test_new_ids_sort_by_creation_time() -> None:
    made = []
    for _ in range(20):
        made.append(new_id())
        time.sleep(0.002)
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)
    assert [one.bytes for one in made] == sorted(one.bytes for one in made)


@given(st.integers(1_000, 5_000))
def test_new_ids_are_unique(count: int) -> None:
    assert len({new_id() for _ in range(count)}) == count


def test_new_id_uses_every_random_bit() -> None:
    """Return two masks over 74 bits: bits that are set in some id, and bits clear in some id."""
    random_bits = (1 << 80) - 1 & ~(0xF << 76) & ~(0x3 << 62)
    ever_set, ever_clear = 0, 0
    for _ in range(200):
        value = new_id().int
        ever_set, ever_clear = ever_set | value, ever_clear | ~value
    assert ever_set & random_bits == random_bits
    assert ever_clear & random_bits == random_bits
    assert random_bits.bit_count() == 74
