"""Which visits a delay moves, and how far: values in, values out, in ticks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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

    Each comes as little later as it must, so gaps absorb the delay, and none by more than the delay itself. The time
    grows with the number of visits: of 575 without a gap between them, none of which can move by the whole delay, it
    took 4.4 s as long as each was held against each.
    """
    day = _Day([late, *followers], fixed, forbids)
    shifts, clashes = day.spread(by)
    possible = by if not clashes else next(less for less in range(by - 1, -1, -1) if not less or day.has_room(less))
    if clashes:
        shifts, _ = day.spread(possible)
    return Cascade(possible, [(place_id, shift) for place_id, shift in shifts if shift], clashes)


class _Mask:
    """The ticks of a place as bits, counted from a `base`."""

    def __init__(self, place: Place, base: int) -> None:
        self.place = place
        self.ticks, self.held = _bits(place.ticks, base), _bits(place.held, base)

    def later(self, by: int) -> int:
        if self.place.has_begun:
            return self.ticks | (((1 << by) - 1) << self.ticks.bit_length())
        return self.ticks << by

    def least(self, passed: int, most: int) -> int:
        """How much later it must come to be clear of `passed`; `most` where that is not enough either."""
        taken, by = passed & ~self.held, 0
        while by < most and (conflict := taken & self.later(by)):
            # The first tick in conflict stays so up to the next free one; a visit that has begun does not move.
            first = _lowest(conflict)
            by += 1 if self.place.has_begun else _lowest(~(taken >> first))
        return min(by, most)


class _Day:
    """The visits of a cascade, the late one first."""

    def __init__(self, places: Sequence[Place], fixed: frozenset[int], forbids: Forbids) -> None:
        base = min((tick for place in places for tick in place.ticks | place.held), default=0)
        self._masks = [_Mask(place, base) for place in places]
        self._fixed = _bits((tick for tick in fixed if tick >= base), base)
        self._forbids = forbids
        self._forbidden: dict[tuple[UUID, int], Obstacle | None] = {}

    def spread(self, by: int) -> tuple[list[tuple[UUID, int]], list[Clash]]:
        """Each in turn. One that cannot come later counts as gone, so that it alone is named, not who stands before."""
        shifts: list[tuple[UUID, int]] = []
        clashes: list[Clash] = []
        for place, needs, why in self._in_turn(by):
            if why:
                clashes.append(Clash(place.id, needs, why))
            else:
                shifts.append((place.id, needs))
        return shifts, clashes

    def has_room(self, by: int) -> bool:
        """Whether nobody clashes."""
        return all(why is None for _, _, why in self._in_turn(by))

    def _in_turn(self, by: int) -> Iterator[tuple[Place, int, Obstacle | None]]:
        before = passed = 0  # what those before occupy now, and what they occupy then
        for number, mask in enumerate(self._masks):
            needs = mask.least(passed, by) if number else by
            new = mask.later(needs)
            why = self._in_the_way(mask, needs, new, before, passed) if needs else None
            yield mask.place, needs, why
            if why is None:
                before |= mask.ticks
                passed |= new | mask.held

    def _in_the_way(self, mask: _Mask, needs: int, new: int, before: int, passed: int) -> Obstacle | None:
        ticks = new & ~mask.ticks & ~mask.held
        # Later visits are moved first. One that stands in a gap of a visit that moves too would have to wait for it,
        # and that one for this.
        if ticks & (before | self._fixed) or new & ~mask.held & passed:
            return Obstacle.TAKEN
        asked = mask.place.id, needs
        if asked not in self._forbidden:
            self._forbidden[asked] = self._forbids(mask.place, mask.place.later(needs))
        return self._forbidden[asked]


def _bits(ticks: Iterable[int], base: int) -> int:
    bits = 0
    for tick in ticks:
        bits |= 1 << (tick - base)
    return bits


def _lowest(bits: int) -> int:
    """The position of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1
