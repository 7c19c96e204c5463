"""Which visits a delay moves, and how far: values in, values out, in ticks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from grome.scheduling.slots import Unavailability
from grome.scheduling.ticks import Span


@dataclass(frozen=True, slots=True)
class ScheduledSpan:
    """Holds the position of a visit. It blocks `ticks`, buffers included, and also `held` for a proposal.

    A visit that has begun keeps its start; only its end can come later.
    """

    id: UUID
    visible: Span
    ticks: frozenset[int]
    held: frozenset[int] = frozenset()
    has_begun: bool = False

    @property
    def bounds(self) -> Span:
        """From the first to the last of `ticks`, gaps included."""
        return Span(min(self.ticks), max(self.ticks) + 1)

    def shifted_by(self, by: int) -> "ScheduledSpan":
        if self.has_begun:
            last = max(self.ticks)
            more = range(last + 1, last + 1 + by)
            return replace(self, visible=Span(self.visible.start, self.visible.end + by), ticks=self.ticks.union(more))
        return replace(self, visible=self.visible.shifted(by), ticks=frozenset(tick + by for tick in self.ticks))


@dataclass(frozen=True, slots=True)
class DelayConflict:
    """Names a visit that would have to start `needs` ticks later and cannot, and the obstacle."""

    id: UUID
    needs: int
    reason: Unavailability


@dataclass(frozen=True, slots=True)
class Cascade:
    """Holds the shift of each visit in ticks; the late visit comes first and is shifted by `by`.

    If there are clashes, `by` is the largest delay without a clash, and `clashes` are the clashes of the whole delay.
    """

    by: int
    shifts: list[tuple[UUID, int]]
    conflicts: list[DelayConflict]


# The obstacle to a visit at a new place, apart from other visits. Arguments: the present place, the new place.
PlacementRule = Callable[[ScheduledSpan, ScheduledSpan], Unavailability | None]


def compute_cascade(
    late: ScheduledSpan,
    followers: Sequence[ScheduledSpan],
    fixed: frozenset[int],
    by: int,
    placement_rule: PlacementRule,
) -> Cascade:
    """Compute how a delay of `late` by `by` ticks shifts the visits in `followers`, earliest first.

    The ticks in `fixed` stay occupied. Each visit is shifted by as little as possible, so gaps absorb the delay, and
    never by more than the delay itself. The run time grows linearly with the number of visits: for 575 visits without
    gaps, none of which could be shifted by the whole delay, comparing every visit with every other took 4.4 s.
    """
    day = _CascadeState([late, *followers], fixed, placement_rule)
    shifts, clashes = day.shift_all(by)
    possible = by if not clashes else next(less for less in range(by - 1, -1, -1) if not less or day.has_room(less))
    if clashes:
        shifts, _ = day.shift_all(possible)
    return Cascade(possible, [(place_id, shift) for place_id, shift in shifts if shift], clashes)


class _Mask:
    """The ticks of a place as bits, counted from a `base`."""

    def __init__(self, place: ScheduledSpan, base: int) -> None:
        self.place = place
        self.ticks, self.held = _bits(place.ticks, base), _bits(place.held, base)

    def shifted_by(self, by: int) -> int:
        if self.place.has_begun:
            return self.ticks | (((1 << by) - 1) << self.ticks.bit_length())
        return self.ticks << by

    def smallest_shift(self, passed: int, most: int) -> int:
        """How much later it must come to be clear of `passed`; `most` where that is not enough either."""
        taken, by = passed & ~self.held, 0
        while by < most and (conflict := taken & self.shifted_by(by)):
            # The first tick in conflict stays so up to the next free one; a visit that has begun does not move.
            first = _lowest(conflict)
            by += 1 if self.place.has_begun else _lowest(~(taken >> first))
        return min(by, most)


class _CascadeState:
    """The visits of a cascade, the late one first."""

    def __init__(self, places: Sequence[ScheduledSpan], fixed: frozenset[int], placement_rule: PlacementRule) -> None:
        base = min((tick for place in places for tick in place.ticks | place.held), default=0)
        self._masks = [_Mask(place, base) for place in places]
        self._fixed = _bits((tick for tick in fixed if tick >= base), base)
        self._placement_rule = placement_rule
        self._forbidden: dict[tuple[UUID, int], Unavailability | None] = {}

    def shift_all(self, by: int) -> tuple[list[tuple[UUID, int]], list[DelayConflict]]:
        """Shift each visit in turn by at most `by` ticks, and return the shifts and the clashes.

        A visit that cannot be shifted counts as absent, so that only this visit is reported as a clash, and not the
        visit before it.
        """
        shifts: list[tuple[UUID, int]] = []
        clashes: list[DelayConflict] = []
        for place, needs, why in self._iter_shifts(by):
            if why:
                clashes.append(DelayConflict(place.id, needs, why))
            else:
                shifts.append((place.id, needs))
        return shifts, clashes

    def has_room(self, by: int) -> bool:
        """Return whether no visit clashes."""
        return all(why is None for _, _, why in self._iter_shifts(by))

    def _iter_shifts(self, by: int) -> Iterator[tuple[ScheduledSpan, int, Unavailability | None]]:
        before = passed = 0  # the ticks of the earlier visits, now and after their shift
        for number, mask in enumerate(self._masks):
            needs = mask.smallest_shift(passed, by) if number else by
            new = mask.shifted_by(needs)
            why = self._find_conflict(mask, needs, new, before, passed) if needs else None
            yield mask.place, needs, why
            if why is None:
                before |= mask.ticks
                passed |= new | mask.held

    def _find_conflict(self, mask: _Mask, needs: int, new: int, before: int, passed: int) -> Unavailability | None:
        ticks = new & ~mask.ticks & ~mask.held
        # Later visits are moved first. A visit in a gap of another moved visit would have to wait for the other move,
        # and the other visit for this move.
        if ticks & (before | self._fixed) or new & ~mask.held & passed:
            return Unavailability.TAKEN
        asked = mask.place.id, needs
        if asked not in self._forbidden:
            self._forbidden[asked] = self._placement_rule(mask.place, mask.place.shifted_by(needs))
        return self._forbidden[asked]


def _bits(ticks: Iterable[int], base: int) -> int:
    bits = 0
    for tick in ticks:
        bits |= 1 << (tick - base)
    return bits


def _lowest(bits: int) -> int:
    """The position of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1
