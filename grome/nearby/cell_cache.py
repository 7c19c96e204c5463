"""The map in this process's memory: cells of barbers, bounded by bytes, each loaded once at a time.

What is held is kept right by the changes that are told (`changed`), and loaded anew every so often in case one was not.
A load may be older than a change that was heard meanwhile, so the changes of the last seconds are laid over each load.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from loguru import logger
from msgspec import Struct

from grome.barbers.change_feed import BarberChange, BarberChanges
from grome.barbers.models import map_pin
from grome.common.errors import Unavailable
from grome.infrastructure.mongo.client import DriverError, is_transient_fault
from grome.nearby.barber_array import Crowd, Row, fingerprint, row_from, row_of
from grome.nearby.cell_loader import COPY_S, Load, Loaded
from grome.nearby.h3_cells import cell_of

# A cell is loaded anew in the background from this age on, while it still answers ...
REFRESH_S: Final = 14.0
# ... and no answer is made from an older one while MongoDB can be asked: whatever message was lost, it heals by then.
FRESH_S: Final = 25.0
# The same for a process that hears nothing of changes, because Redis is away.
_DEAF_FRESH_S: Final = 0.5
# A change is laid over what is loaded for so long: longer than a copy's life and a load together.
_RECENT_S: Final = COPY_S + 6.0
_RECENT_CHANGES: Final = 10_000  # about 2 kB each
# Clocks of two machines, and a change that is written but not told yet, lie less than this apart.
_MARGIN_S: Final = 1.0
# Where a cell that is too old is still held, an answer waits so long for a new one.
_PATIENCE_S: Final = 0.5
_ASK_AGAIN_S: Final = 0.25
# After a load failed, what is held answers for so long before the next try.
_RETRY_S: Final = 1.0
# Loads at a time. Where many places are asked for that are not held, more of them would only slow each other down
# until MongoDB seemed to be away.
_MOST_LOADS: Final = 3
# Places that are asked for by turns, and are more than can be held, would push each other out as fast as they could be
# loaded. So where most of the memory is taken, a place is loaded only once it is asked for so often within so long,
# since to load one takes as long as dozens of straight searches ...
_OFTEN: Final = 20
_OFTEN_WITHIN_S: Final = 10.0
_PLACES_COUNTED: Final = 10_000
_TAKEN: Final = 0.75
# ... and after a load that pushed others out, for so many times as long as it took, none is.
_REST: Final = 2.0
# What views answer from is in use, and said to be so at least so often.
_IN_USE_S: Final = 2.0
_CELL_BYTES: Final = 2_000
_AT_ONCE: Final = 50

Touched = Callable[[int, Row | None, Row | None], None]


def _nobody(_cell: int, _old: Row | None, _new: Row | None) -> None:
    """Until somebody watches."""


class Cell:
    """`read_at` is when MongoDB was asked, `fresh_until` and `refresh_at` what follows from it (Unix seconds)."""

    __slots__ = ("crowd", "fresh_until", "read_at", "refresh_at", "weight")

    def __init__(self, crowd: Crowd, read_at: float, fresh_for: float) -> None:
        self.crowd, self.weight = crowd, _CELL_BYTES + crowd.weight
        self.renew(read_at, fresh_for)

    def renew(self, read_at: float, fresh_for: float) -> None:
        self.read_at, self.fresh_until = read_at, read_at + fresh_for
        self.refresh_at = min(self.fresh_until, read_at + REFRESH_S)

    def prints(self) -> set[int]:
        return {row.fingerprint for row in self.crowd.rows}


class Heard(Struct, frozen=True):
    """A change as cells need it: `row` is None for a barber who is gone."""

    id: UUID
    order: int
    home: int
    row: Row | None


def heard(change: BarberChange) -> Heard:
    longitude, latitude = change.barber.location.coordinates
    row = row_of(map_pin(change.barber))
    return Heard(row.id, row.order, cell_of(latitude, longitude), None if change.removed else row)


class Recent:
    """The changes of the last seconds, the newest of each barber."""

    def __init__(self) -> None:
        self._heard: OrderedDict[UUID, tuple[float, Heard]] = OrderedDict()

    def add(self, change: Heard) -> bool:
        """False where a newer one was heard before."""
        _, before = self._heard.get(change.id, (0.0, change))
        if before.order > change.order:
            return False
        now = time.monotonic()
        self._heard[change.id] = now, change
        self._heard.move_to_end(change.id)
        while len(self._heard) > _RECENT_CHANGES or next(iter(self._heard.values()))[0] < now - _RECENT_S:
            self._heard.popitem(last=False)
        return True

    def over(self, cell: int, rows: dict[UUID, Row]) -> None:
        """Bring rows that were loaded for a cell to what was heard since."""
        for _, change in self._heard.values():
            loaded = rows.get(change.id)
            if loaded and loaded.order >= change.order:
                continue
            if change.row and change.home == cell:
                rows[change.id] = change.row
            elif loaded:
                del rows[change.id]


class Cells:
    """The cells that this process holds, the least recently used given up beyond `max_bytes`.

    There is more only for as long as the searches of a moment need it, or the last of them.

    Who watches is called with a cell and the row before and after whenever one came, went or changed there, and without
    either when the cell is given up.
    """

    def __init__(self, load: Load, changes: BarberChanges, max_bytes: int) -> None:
        self._load, self._changes, self._max_bytes = load, changes, max_bytes
        self._touched: Touched = _nobody
        self._held: OrderedDict[int, Cell] = OrderedDict()
        self._home: dict[UUID, int] = {}
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._waiting: list[Sequence[int]] = []  # what each search wants that waits for a load
        self._recent = Recent()
        self._heard_since = time.time()
        self._retry_at = 0.0
        self._turns = asyncio.Semaphore(_MOST_LOADS)
        self._took_s = 0.0  # the last load of what was not held
        self._rest_until = 0.0
        self._asked: Counter[int] = Counter()  # by hashes, since places far apart have hundreds of cells each
        self._asked_since = 0.0
        self._bytes = 0
        changes.add(self)

    def watch(self, touched: Touched) -> None:
        self._touched = touched

    def renew(self, wanted: Sequence[int]) -> tuple[float, float]:
        """Starts to load what ages, and says from when on to ask again, and until when what is held may answer."""
        now = time.time()
        held = [self._held[cell] for cell in wanted]  # they are: views do not outlive their cells
        for cell in wanted:
            self._held.move_to_end(cell)
        ageing = [number for number, cell in zip(wanted, held, strict=True) if cell.refresh_at <= now]
        if ageing and now >= self._retry_at:
            self._start_loading(ageing)
        ask_at = now + _ASK_AGAIN_S if ageing else min(now + _IN_USE_S, *(cell.refresh_at for cell in held))
        return ask_at, min(cell.fresh_until for cell in held)

    def are_worth_holding(self, wanted: Sequence[int]) -> bool:
        """Whether they are held, or are to be loaded now that somebody asks for them."""
        if all(cell in self._held or cell in self._loading for cell in wanted):
            return True
        now = time.time()
        if now < self._retry_at:
            return True  # nobody can do better now
        if self._turns.locked() or now < self._rest_until:
            return False
        return self._bytes < _TAKEN * self._max_bytes or self._is_asked_often(tuple(wanted), now)

    def _is_asked_often(self, wanted: tuple[int, ...], now: float) -> bool:
        if self._asked_since + _OFTEN_WITHIN_S < now or len(self._asked) >= _PLACES_COUNTED:
            self._asked.clear()
            self._asked_since = now
        self._asked[hash(wanted)] += 1
        return self._asked[hash(wanted)] >= _OFTEN

    async def get(self, wanted: Sequence[int]) -> list[Cell]:
        """The cells, loaded where they are missing or too old; the old ones where MongoDB is away.

        Whatever they weigh, they stay until the next search. Raises Unavailable where one that is not held cannot be
        loaded.
        """
        if time.time() >= self._retry_at:
            await self._renew(wanted)
        if any(cell not in self._held for cell in wanted):
            raise Unavailable("The map of this place cannot be loaded now.")
        for cell in wanted:
            self._held.move_to_end(cell)
        self._give_up_least_used(wanted)
        return [self._held[cell] for cell in wanted]

    async def _renew(self, wanted: Sequence[int]) -> None:
        """Waits for what is missing, a moment for what is too old, and not at all for what only begins to age."""
        now = time.time()
        missing = [cell for cell in wanted if cell not in self._held]
        ageing = [cell for cell in wanted if cell in self._held and self._held[cell].refresh_at <= now]
        if not missing and not ageing:
            return
        too_old = [cell for cell in ageing if self._held[cell].fresh_until <= now]
        failing = self._retry_at > 0
        if failing:
            self._retry_at = now + _RETRY_S  # while one looks whether MongoDB is back, nobody else waits for it
        tasks = self._start_loading([*missing, *ageing])
        self._waiting.append(wanted)
        try:
            if missing:
                await asyncio.wait({tasks[cell] for cell in missing}, timeout=_PATIENCE_S if failing else None)
            if too_old and not failing:
                await asyncio.wait({tasks[cell] for cell in too_old}, timeout=_PATIENCE_S)
        finally:
            self._waiting.remove(wanted)

    def _start_loading(self, cells: Sequence[int]) -> dict[int, asyncio.Task[None]]:
        """One load for all that nobody loads yet, so that no cell is loaded twice at a time."""
        new = [cell for cell in cells if cell not in self._loading]
        if new:
            task = asyncio.create_task(self._load_and_hold(new), name="cells")
            self._loading.update(dict.fromkeys(new, task))
        return {cell: self._loading[cell] for cell in cells}

    async def _load_and_hold(self, cells: Sequence[int]) -> None:
        try:
            async with self._turns:
                started, heard_since = time.time(), self._heard_since
                loads = await self._load(cells, heard_since + _MARGIN_S if self._changes.listening else None)
        except DriverError as error:
            self._retry_at = time.time() + _RETRY_S
            if not is_transient_fault(error):
                raise
            logger.warning("MongoDB is away ({!r}); {} cells stay as they are", error, len(cells))
        else:
            self._retry_at = 0.0
            new = not loads.keys() <= self._held.keys()
            for cell, content in loads.items():
                await self._hold(cell, content, heard_since)
            if new:
                self._took_s = time.time() - started
        finally:
            for cell in cells:
                del self._loading[cell]

    async def _hold(self, cell: int, content: Loaded, heard_since: float) -> None:
        if self._is_as_loaded(cell, content):
            self._held[cell].renew(content.read_at, self._fresh_for(heard_since))
            return
        rows = await self._unpacked(cell, content.pins)  # the last wait: what is seen from here on is of one moment
        held = self._held.get(cell)
        before = {row.id: row for row in held.crowd.rows} if held else {}
        self._recent.over(cell, rows)
        self._settle_in_one_home(cell, rows)
        crowd = held.crowd if held and rows == before else Crowd.of(rows.values())
        self._drop(cell)
        self._held[cell] = new = Cell(crowd, content.read_at, self._fresh_for(heard_since))
        self._bytes += new.weight
        self._home.update(dict.fromkeys(rows, cell))
        for barber_id in before.keys() | rows.keys():
            self._tell(cell, before.get(barber_id), rows.get(barber_id))

    def _is_as_loaded(self, cell: int, content: Loaded) -> bool:
        """Whether nothing has changed, as mostly. What was told since it was last read has no fingerprint."""
        held = self._held.get(cell)
        return held is not None and held.prints() == {fingerprint(pin) for pin in content.pins}

    def _fresh_for(self, heard_since: float) -> float:
        in_touch = self._changes.listening and heard_since == self._heard_since
        return FRESH_S if in_touch else _DEAF_FRESH_S

    async def _unpacked(self, cell: int, pins: Sequence[bytes]) -> dict[UUID, Row]:
        """What has not changed is not made anew. The event loop has its turn in between."""
        held = self._held.get(cell)
        known = {row.fingerprint: row for row in held.crowd.rows} if held else {}
        rows: dict[UUID, Row] = {}
        for number, pin in enumerate(pins, start=1):
            row = known.get(fingerprint(pin)) or row_from(pin)
            rows[row.id] = row
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return rows

    def _settle_in_one_home(self, cell: int, rows: dict[UUID, Row]) -> None:
        """Who has moved may have been loaded at both places; the later state counts."""
        for barber_id in [barber_id for barber_id in rows if self._home.get(barber_id, cell) != cell]:
            elsewhere = self._home[barber_id]
            other = self._held[elsewhere].crowd.find(barber_id)
            if other and other.order >= rows[barber_id].order:
                del rows[barber_id]
            else:
                self._replace(elsewhere, barber_id, None)

    def _drop(self, cell: int) -> None:
        held = self._held.pop(cell, None)
        if held:
            self._bytes -= held.weight
            for row in held.crowd.rows:
                del self._home[row.id]

    def changed(self, change: BarberChange) -> None:
        """Take a change over, from this process or another."""
        new = heard(change)
        if not self._recent.add(new):
            return
        before = self._home.get(new.id)
        if before is not None:
            held = self._held[before].crowd.find(new.id)
            if held and held.order >= new.order:
                return
            if new.row is None or before != new.home:
                self._replace(before, new.id, None)
        if new.row and new.home in self._held:
            self._replace(new.home, new.id, new.row)

    def _replace(self, cell: int, barber_id: UUID, new: Row | None) -> None:
        """Put `new` into a cell that is held, in the place of the row that the barber had there, if any."""
        held = self._held[cell]
        old = held.crowd.find(barber_id)
        held.crowd = held.crowd.with_row(new) if new else held.crowd.without(barber_id)
        growth = (new.weight if new else 0) - (old.weight if old else 0)
        held.weight += growth
        self._bytes += growth
        if new:
            self._home[barber_id] = cell
        else:
            del self._home[barber_id]
        self._tell(cell, old, new)

    def _tell(self, cell: int, old: Row | None, new: Row | None) -> None:
        if old is not new and not (old and old.shows_as(new)):
            self._touched(cell, old, new)

    def missed(self) -> None:
        """Everything that is held is to be loaded anew before it answers again."""
        self._heard_since = time.time()
        for held in self._held.values():
            held.fresh_until = held.refresh_at = 0.0

    def _give_up_least_used(self, wanted: Sequence[int]) -> None:
        """Spares what is wanted now, since views are made of it and must hear of every change there."""
        excess = self._bytes - self._max_bytes
        if excess <= 0:
            return
        spared = set(wanted).union(*self._waiting)
        given_up: list[int] = []
        for cell, held in self._held.items():
            if excess <= 0:
                break
            if cell not in spared:
                given_up.append(cell)
                excess -= held.weight
        for cell in given_up:
            self._drop(cell)
            self._touched(cell, None, None)
        self._rest_until = time.time() + _REST * self._took_s
