"""Which visits a delay moves, and how far: values in, values out, in ticks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from grome.availability.slots import Obstacle
from grome.availability.ticks import Span


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit stands. It keeps `ticks` from others, buffers included, and `held` besides for a proposal.

    One that has begun is where it is, and only its end can come later.
    """

    id: UUID
    visible: Span
    ticks: frozenset[int]
    held: frozenset[int] = frozenset()
    has_begun: bool = False

    @property
    def whole(self) -> Span:
        """From the first to the last of `ticks`, gaps included."""
        return Span(min(self.ticks), max(self.ticks) + 1)

    def later(self, by: int) -> "Place":
        if self.has_begun:
            last = max(self.ticks)
            more = range(last + 1, last + 1 + by)
            return replace(self, visible=Span(self.visible.start, self.visible.end + by), ticks=self.ticks.union(more))
        return replace(self, visible=self.visible.shifted(by), ticks=frozenset(tick + by for tick in self.ticks))


@dataclass(frozen=True, slots=True)
class Clash:
    """A visit that would have to come so many ticks later and cannot, and what is in the way."""

    id: UUID
    needs: int
    why: Obstacle


@dataclass(frozen=True, slots=True)
class Cascade:
    """By how many ticks each visit comes later; the late one, which comes first, by `by`.

    Where there are clashes, `by` is the most that is possible without any, and they are those of the whole delay.
    """

    by: int
    shifts: list[tuple[UUID, int]]
    clashes: list[Clash]


# Why a visit cannot stand there, apart from other visits: its place now, and the one in question.
Forbids = Callable[[Place, Place], Obstacle | None]


def cascade(late: Place, followers: Sequence[Place], fixed: frozenset[int], by: int, forbids: Forbids) -> Cascade:
    """What a delay of `late` makes of those that follow, the earliest first. `fixed` is occupied and stays so.

    Each comes as little later as it must, so gaps absorb the delay, and none by more than the delay itself.
    """
    shifts, clashes = _spread(late, followers, fixed, by, forbids)
    possible = by
    while possible and _spread(late, followers, fixed, possible, forbids)[1]:
        possible -= 1
    if clashes:
        shifts, _ = _spread(late, followers, fixed, possible, forbids)
    return Cascade(possible, [(place_id, shift) for place_id, shift in shifts if shift], clashes)


def _spread(
    late: Place, followers: Sequence[Place], fixed: frozenset[int], by: int, forbids: Forbids
) -> tuple[list[tuple[UUID, int]], list[Clash]]:
    """Each in turn. One that cannot come later counts as gone, so that it alone is named, not who stands before it."""
    shifts: list[tuple[UUID, int]] = []
    clashes: list[Clash] = []
    before: list[Place] = []  # as they are now
    passed: frozenset[int] = frozenset()  # what those before occupy then
    for place in (late, *followers):
        needs = by if place is late else _least(place, passed, by)
        new = place.later(needs)
        if why := _in_the_way(place, new, before, passed, fixed, forbids) if needs else None:
            clashes.append(Clash(place.id, needs, why))
            continue
        shifts.append((place.id, needs))
        before.append(place)
        passed |= new.ticks | place.held
    return shifts, clashes


def _least(place: Place, passed: frozenset[int], most: int) -> int:
    """How much later it must come to be clear of those before it; `most` where that is not enough either."""
    return next((by for by in range(most) if passed.isdisjoint(place.later(by).ticks - place.held)), most)


def _in_the_way(
    place: Place,
    new: Place,
    before: Sequence[Place],
    passed: frozenset[int],
    fixed: frozenset[int],
    forbids: Forbids,
) -> Obstacle | None:
    ticks = new.ticks - place.ticks - place.held
    # Later visits are moved first. One that stands in a gap of a visit that moves too would have to wait for it, and
    # that one for this.
    not_yet_moved = any(not ticks.isdisjoint(one.ticks) for one in before)
    if not_yet_moved or not passed.isdisjoint(new.ticks - place.held) or not fixed.isdisjoint(ticks):
        return Obstacle.TAKEN
    return forbids(place, new)
