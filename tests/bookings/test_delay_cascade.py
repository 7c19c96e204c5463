"""Test delay cascades by examples, and by properties of arbitrary days."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from grome.bookings.delay_cascade import Cascade, PlacementRule, ScheduledSpan, compute_cascade
from grome.scheduling.slots import Unavailability
from grome.scheduling.ticks import Span

NOTHING: frozenset[int] = frozenset()
VISITS = 200


def place(number: int, start: int, length: int, *, gap: tuple[int, int] = (0, 0), **more: bool) -> ScheduledSpan:
    """Build a visit of `length` ticks; the ticks of `gap`, counted from the start, are free for others."""
    ticks = frozenset(range(start, start + length)) - frozenset(range(start + gap[0], start + gap[1]))
    return ScheduledSpan(UUID(int=number), Span(start, start + length), ticks, **more)


def until(end: int) -> PlacementRule:
    return lambda _, new: Unavailability.CLOSED if new.visible.end > end else None


def told(done: Cascade) -> dict[int, int]:
    return {place_id.int: by for place_id, by in done.shifts}


def test_gaps_absorb_the_delay() -> None:
    late, day = place(1, 0, 6), [place(2, 6, 6), place(3, 14, 6), place(4, 21, 6), place(5, 60, 6)]
    done = compute_cascade(late, day, NOTHING, 4, until(99))
    assert (done.by, told(done), done.conflicts) == (4, {1: 4, 2: 4, 3: 2, 4: 1}, [])


def test_visit_in_progress_ends_later() -> None:
    late = place(1, 0, 6, has_begun=True)
    done = compute_cascade(late, [place(2, 8, 6)], NOTHING, 4, until(99))
    assert told(done) == {1: 4, 2: 2}
    assert late.shifted_by(4) == place(1, 0, 10, has_begun=True)


def test_delay_stops_at_the_last_possible_shift_and_names_the_conflict() -> None:
    late, day = place(1, 0, 6), [place(2, 6, 6), place(3, 12, 6)]
    done = compute_cascade(late, day, NOTHING, 4, until(20))
    assert (done.by, told(done)) == (2, {1: 2, 2: 2, 3: 2})
    assert [(clash.id.int, clash.needs, clash.reason) for clash in done.conflicts] == [(3, 4, Unavailability.CLOSED)]


def test_fixed_ticks_stop_the_cascade() -> None:
    done = compute_cascade(place(1, 0, 6), [place(2, 6, 6)], frozenset({13}), 4, until(99))
    assert (done.by, told(done)) == (1, {1: 1, 2: 1})
    assert [(clash.id.int, clash.reason) for clash in done.conflicts] == [(2, Unavailability.TAKEN)]


def test_visit_in_a_gap_of_another_visit_keeps_its_time_if_possible() -> None:
    late = place(1, 0, 18, gap=(4, 14))
    done = compute_cascade(late, [place(2, 6, 4)], NOTHING, 2, until(99))
    assert told(done) == {1: 2}
    # Without room in the gap, neither visit could be shifted before the other.
    done = compute_cascade(late, [place(2, 4, 10)], NOTHING, 2, until(99))
    assert (done.by, told(done)) == (0, {})
    assert [(clash.id.int, clash.reason) for clash in done.conflicts] == [(2, Unavailability.TAKEN)]


@st.composite
def days(draw: st.DrawFn) -> list[ScheduledSpan]:
    """Draw visits that do not overlap, some in the gaps of other visits, earliest first."""
    taken: set[int] = set()
    found: list[ScheduledSpan] = []
    for number in range(1, draw(st.integers(2, 9))):
        length = draw(st.integers(1, 12))
        begin = draw(st.integers(0, length))
        gap = (begin, draw(st.integers(begin, length))) if 0 < begin < length - 1 else (0, 0)
        made = place(number, draw(st.integers(0, 60)), length, gap=(gap[0], min(gap[1], length - 1)))
        if taken.isdisjoint(made.ticks):
            taken |= made.ticks
            found.append(made)
    return sorted(found, key=lambda one: one.visible.start)


@settings(max_examples=100)
@given(days(), st.integers(1, 48), st.integers(40, 120), st.frozensets(st.integers(0, 90), max_size=3), st.booleans())
def test_shifted_visits_never_overlap(
    day: list[ScheduledSpan],
    by: int,
    end: int,
    fixed: frozenset[int],
    has_begun: bool,  # noqa: FBT001
) -> None:
    fixed -= frozenset().union(*(one.ticks for one in day))
    late, *followers = day
    late = ScheduledSpan(late.id, late.visible, late.ticks, has_begun=has_begun)
    done = compute_cascade(late, followers, fixed, by, until(end))
    standing = {one.id: one for one in (late, *followers)}
    for place_id, shift in reversed(done.shifts):
        assert 0 < shift <= done.by
        standing[place_id] = standing[place_id].shifted_by(shift)
        occupied = [tick for one in standing.values() for tick in one.ticks]
        assert len(occupied) == len(set(occupied))
        assert fixed.isdisjoint(occupied)
        assert standing[place_id].visible.end <= end
    assert dict(done.shifts).get(late.id, 0) == done.by
    assert (done.by == by) is not bool(done.conflicts)
    assert done.by <= by


def test_placement_rule_is_called_once_for_each_visit_and_delay() -> None:
    asked: list[tuple[ScheduledSpan, ScheduledSpan]] = []

    def forbids(old: ScheduledSpan, new: ScheduledSpan) -> Unavailability | None:
        asked.append((old, new))
        return Unavailability.CLOSED if new.visible.end > 6 * VISITS + 2 else None

    late, *day = [place(number, 6 * number, 6) for number in range(VISITS)]
    done = compute_cascade(late, day, NOTHING, 4, forbids)
    assert (done.by, len(done.shifts)) == (2, VISITS)
    assert [clash.id.int for clash in done.conflicts] == [VISITS - 1]
    assert len(asked) == len(set(asked))
