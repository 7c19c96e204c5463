"""The ring keeps the latest events, bounded by their age and by bytes."""

from hypothesis import given
from hypothesis import strategies as st

from grome.realtime.delivery import Delivery
from grome.realtime.ring import Ring
from grome.realtime.shards import shard_of

ROOMS = [f"area:{number}" for number in range(5)]


@given(
    events=st.lists(st.tuples(st.sampled_from(ROOMS), st.integers(0, 400), st.integers(0, 3_000)), max_size=60),
    dropped=st.sampled_from(ROOMS),
)
def test_ring_has_all_events_above_its_floors_within_its_bounds(
    events: list[tuple[str, int, int]], dropped: str
) -> None:
    ring, now_ms, added = Ring(max_age_ms=1_000, max_bytes=9_000), 0, []
    for number, (room, later_ms, size) in enumerate(events):
        now_ms += later_ms
        offset = (now_ms, number)
        added.append((room, offset))
        ring.add(shard_of(room), offset, Delivery(room, b"", b"x" * size, offset))
        if number == len(events) // 2:
            ring.drop(shard_of(dropped), offset)
        assert ring.size <= 9_000
    for room in ROOMS:
        floor = ring.floors[shard_of(room)]
        kept = [offset for offset, _ in ring.after(room, floor)]
        assert kept == [offset for of_room, offset in added if of_room == room and offset > floor]
        assert all(offset[0] >= now_ms - 1_000 for offset in kept)
    ring.evict(now_ms + 1_001)
    assert ring.size == 0
    assert [ring.after(room, (0, 0)) for room in ROOMS] == [[]] * len(ROOMS)
