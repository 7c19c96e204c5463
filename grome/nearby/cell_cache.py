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

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.barbers.models import map_entry
from grome.common.errors import Unavailable
from grome.infrastructure.mongo.client import DriverError, is_transient_fault
from grome.nearby.barber_array import BarberArray, IndexedBarber, decode_barber, fingerprint, index_barber
from grome.nearby.cell_loader import COPY_TTL_S, CellSnapshot, LoadCells
from grome.nearby.h3_cells import cell_of

# A cell is loaded anew in the background from this age on, while it still answers ...
REFRESH_AFTER_S: Final = 14.0
# ... and no answer is made from an older one while MongoDB can be asked: whatever message was lost, it heals by then.
FRESH_FOR_S: Final = 25.0
# The same for a process that hears nothing of changes, because Redis is away.
_FRESH_FOR_WITHOUT_REDIS_S: Final = 0.5
# A change is laid over what is loaded for so long: longer than a copy's life and a load together.
_RECENT_CHANGE_TTL_S: Final = COPY_TTL_S + 6.0
_MAX_RECENT_CHANGES: Final = 10_000  # about 2 kB each
# Clocks of two machines, and a change that is written but not told yet, lie less than this apart.
_CLOCK_MARGIN_S: Final = 1.0
# Where a cell that is too old is still held, an answer waits so long for a new one.
_REFRESH_WAIT_S: Final = 0.5
_RECHECK_INTERVAL_S: Final = 0.25
# After a load failed, what is held answers for so long before the next try.
_RETRY_DELAY_S: Final = 1.0
# Loads at a time. Where many places are asked for that are not held, more of them would only slow each other down
# until MongoDB seemed to be away.
_MAX_CONCURRENT_LOADS: Final = 3
# Places that are asked for by turns, and are more than can be held, would push each other out as fast as they could be
# loaded. So where most of the memory is taken, a place is loaded only once it is asked for so often within so long,
# since to load one takes as long as dozens of database searches ...
_ADMISSION_REQUESTS: Final = 20
_ADMISSION_WINDOW_S: Final = 10.0
_MAX_COUNTED_PLACES: Final = 10_000
_ADMISSION_FILL_RATIO: Final = 0.75
# ... and after a load that pushed others out, for so many times as long as it took, none is.
_COOLDOWN_FACTOR: Final = 2.0
# What tiles answer from is in use, and said to be so at least so often.
_USAGE_INTERVAL_S: Final = 2.0
_CELL_BYTES: Final = 2_000
_DECODE_BATCH: Final = 50

RowListener = Callable[[int, IndexedBarber | None, IndexedBarber | None], None]


def _ignore_row(_cell: int, _old: IndexedBarber | None, _new: IndexedBarber | None) -> None:
    """Until somebody watches."""


class Cell:
    """`read_at` is when MongoDB was asked, `fresh_until` and `refresh_at` what follows from it (Unix seconds)."""

    __slots__ = ("array", "fresh_until", "read_at", "refresh_at", "size_bytes")

    def __init__(self, array: BarberArray, read_at: float, fresh_for: float) -> None:
        self.array, self.size_bytes = array, _CELL_BYTES + array.size_bytes
        self.mark_read(read_at, fresh_for)

    def mark_read(self, read_at: float, fresh_for: float) -> None:
        self.read_at, self.fresh_until = read_at, read_at + fresh_for
        self.refresh_at = min(self.fresh_until, read_at + REFRESH_AFTER_S)

    def fingerprints(self) -> set[int]:
        return {row.fingerprint for row in self.array.barbers}


class CellChange(Struct, frozen=True):
    """A change as cells need it: `row` is None for a barber who is gone."""

    id: UUID
    order: int
    cell: int
    barber: IndexedBarber | None


def to_cell_change(change: BarberChange) -> CellChange:
    longitude, latitude = change.barber.location.coordinates
    row = index_barber(map_entry(change.barber))
    return CellChange(row.id, row.revision, cell_of(latitude, longitude), None if change.removed else row)


class RecentChanges:
    """The changes of the last seconds, the newest of each barber."""

    def __init__(self) -> None:
        self._changes: OrderedDict[UUID, tuple[float, CellChange]] = OrderedDict()

    def add(self, change: CellChange) -> bool:
        """False where a newer one was heard before."""
        _, before = self._changes.get(change.id, (0.0, change))
        if before.order > change.order:
            return False
        now = time.monotonic()
        self._changes[change.id] = now, change
        self._changes.move_to_end(change.id)
        while (
            len(self._changes) > _MAX_RECENT_CHANGES
            or next(iter(self._changes.values()))[0] < now - _RECENT_CHANGE_TTL_S
        ):
            self._changes.popitem(last=False)
        return True

    def apply_to(self, cell: int, rows: dict[UUID, IndexedBarber]) -> None:
        """Bring rows that were loaded for a cell to what was heard since."""
        for _, change in self._changes.values():
            loaded = rows.get(change.id)
            if loaded and loaded.revision >= change.order:
                continue
            if change.barber and change.cell == cell:
                rows[change.id] = change.barber
            elif loaded:
                del rows[change.id]


class CellCache:
    """The cells that this process holds, the least recently used given up beyond `max_bytes`.

    There is more only for as long as the searches of a moment need it, or the last of them.

    Who watches is called with a cell and the row before and after whenever one came, went or changed there, and without
    either when the cell is given up.
    """

    def __init__(self, load: LoadCells, changes: BarberChangeFeed, max_bytes: int) -> None:
        self._load, self._changes, self._max_bytes = load, changes, max_bytes
        self._listener: RowListener = _ignore_row
        self._cells: OrderedDict[int, Cell] = OrderedDict()
        self._cell_by_barber: dict[UUID, int] = {}
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._cells_in_use: list[Sequence[int]] = []  # what each search wants that waits for a load
        self._recent = RecentChanges()
        self._listening_since = time.time()
        self._retry_at = 0.0
        self._load_slots = asyncio.Semaphore(_MAX_CONCURRENT_LOADS)
        self._last_load_s = 0.0  # the last load of what was not held
        self._cooldown_until = 0.0
        self._requests: Counter[int] = Counter()  # by hashes, since places far apart have hundreds of cells each
        self._counting_since = 0.0
        self._bytes = 0
        changes.subscribe(self)

    def set_listener(self, touched: RowListener) -> None:
        self._listener = touched

    def revalidate(self, wanted: Sequence[int]) -> tuple[float, float]:
        """Starts to load what ages, and says from when on to ask again, and until when what is held may answer."""
        now = time.time()
        held = [self._cells[cell] for cell in wanted]  # they are: tiles do not outlive their cells
        for cell in wanted:
            self._cells.move_to_end(cell)
        ageing = [number for number, cell in zip(wanted, held, strict=True) if cell.refresh_at <= now]
        if ageing and now >= self._retry_at:
            self._start_loading(ageing)
        check_at = (
            now + _RECHECK_INTERVAL_S if ageing else min(now + _USAGE_INTERVAL_S, *(cell.refresh_at for cell in held))
        )
        return check_at, min(cell.fresh_until for cell in held)

    def should_cache(self, wanted: Sequence[int]) -> bool:
        """Whether they are held, or are to be loaded now that somebody asks for them."""
        if all(cell in self._cells or cell in self._loading for cell in wanted):
            return True
        now = time.time()
        if now < self._retry_at:
            return True  # nobody can do better now
        if self._load_slots.locked() or now < self._cooldown_until:
            return False
        return self._bytes < _ADMISSION_FILL_RATIO * self._max_bytes or self._is_requested_often(tuple(wanted), now)

    def _is_requested_often(self, wanted: tuple[int, ...], now: float) -> bool:
        if self._counting_since + _ADMISSION_WINDOW_S < now or len(self._requests) >= _MAX_COUNTED_PLACES:
            self._requests.clear()
            self._counting_since = now
        self._requests[hash(wanted)] += 1
        return self._requests[hash(wanted)] >= _ADMISSION_REQUESTS

    async def get(self, wanted: Sequence[int]) -> list[Cell]:
        """The cells, loaded where they are missing or too old; the old ones where MongoDB is away.

        Whatever they weigh, they stay until the next search. Raises Unavailable where one that is not held cannot be
        loaded.
        """
        if time.time() >= self._retry_at:
            await self._refresh(wanted)
        if any(cell not in self._cells for cell in wanted):
            raise Unavailable("The map of this place cannot be loaded now.")
        for cell in wanted:
            self._cells.move_to_end(cell)
        self._evict_lru(wanted)
        return [self._cells[cell] for cell in wanted]

    async def _refresh(self, wanted: Sequence[int]) -> None:
        """Waits for what is missing, a moment for what is too old, and not at all for what only begins to age."""
        now = time.time()
        missing = [cell for cell in wanted if cell not in self._cells]
        ageing = [cell for cell in wanted if cell in self._cells and self._cells[cell].refresh_at <= now]
        if not missing and not ageing:
            return
        too_old = [cell for cell in ageing if self._cells[cell].fresh_until <= now]
        failing = self._retry_at > 0
        if failing:
            self._retry_at = now + _RETRY_DELAY_S  # while one looks whether MongoDB is back, nobody else waits for it
        tasks = self._start_loading([*missing, *ageing])
        self._cells_in_use.append(wanted)
        try:
            if missing:
                await asyncio.wait({tasks[cell] for cell in missing}, timeout=_REFRESH_WAIT_S if failing else None)
            if too_old and not failing:
                await asyncio.wait({tasks[cell] for cell in too_old}, timeout=_REFRESH_WAIT_S)
        finally:
            self._cells_in_use.remove(wanted)

    def _start_loading(self, cells: Sequence[int]) -> dict[int, asyncio.Task[None]]:
        """One load for all that nobody loads yet, so that no cell is loaded twice at a time."""
        new = [cell for cell in cells if cell not in self._loading]
        if new:
            task = asyncio.create_task(self._load_and_store(new), name="cells")
            self._loading.update(dict.fromkeys(new, task))
        return {cell: self._loading[cell] for cell in cells}

    async def _load_and_store(self, cells: Sequence[int]) -> None:
        try:
            async with self._load_slots:
                started, listening_since = time.time(), self._listening_since
                loads = await self._load(cells, listening_since + _CLOCK_MARGIN_S if self._changes.listening else None)
        except DriverError as error:
            self._retry_at = time.time() + _RETRY_DELAY_S
            if not is_transient_fault(error):
                raise
            logger.warning("MongoDB is away ({!r}); {} cells stay as they are", error, len(cells))
        else:
            self._retry_at = 0.0
            new = not loads.keys() <= self._cells.keys()
            for cell, content in loads.items():
                await self._store(cell, content, listening_since)
            if new:
                self._last_load_s = time.time() - started
        finally:
            for cell in cells:
                del self._loading[cell]

    async def _store(self, cell: int, content: CellSnapshot, listening_since: float) -> None:
        if self._is_unchanged(cell, content):
            self._cells[cell].mark_read(content.read_at, self._freshness_s(listening_since))
            return
        rows = await self._decode_barbers(
            cell, content.entries
        )  # the last wait: what is seen from here on is of one moment
        held = self._cells.get(cell)
        before = {row.id: row for row in held.array.barbers} if held else {}
        self._recent.apply_to(cell, rows)
        self._deduplicate_moved(cell, rows)
        array = held.array if held and rows == before else BarberArray.from_barbers(rows.values())
        self._remove(cell)
        self._cells[cell] = new = Cell(array, content.read_at, self._freshness_s(listening_since))
        self._bytes += new.size_bytes
        self._cell_by_barber.update(dict.fromkeys(rows, cell))
        for barber_id in before.keys() | rows.keys():
            self._notify(cell, before.get(barber_id), rows.get(barber_id))

    def _is_unchanged(self, cell: int, content: CellSnapshot) -> bool:
        """Whether nothing has changed, as mostly. What was told since it was last read has no fingerprint."""
        held = self._cells.get(cell)
        return held is not None and held.fingerprints() == {fingerprint(entry) for entry in content.entries}

    def _freshness_s(self, listening_since: float) -> float:
        in_touch = self._changes.listening and listening_since == self._listening_since
        return FRESH_FOR_S if in_touch else _FRESH_FOR_WITHOUT_REDIS_S

    async def _decode_barbers(self, cell: int, entries: Sequence[bytes]) -> dict[UUID, IndexedBarber]:
        """What has not changed is not made anew. The event loop has its turn in between."""
        held = self._cells.get(cell)
        known = {row.fingerprint: row for row in held.array.barbers} if held else {}
        rows: dict[UUID, IndexedBarber] = {}
        for number, entry in enumerate(entries, start=1):
            row = known.get(fingerprint(entry)) or decode_barber(entry)
            rows[row.id] = row
            if number % _DECODE_BATCH == 0:
                await asyncio.sleep(0)
        return rows

    def _deduplicate_moved(self, cell: int, rows: dict[UUID, IndexedBarber]) -> None:
        """Who has moved may have been loaded at both places; the later state counts."""
        for barber_id in [barber_id for barber_id in rows if self._cell_by_barber.get(barber_id, cell) != cell]:
            elsewhere = self._cell_by_barber[barber_id]
            other = self._cells[elsewhere].array.find(barber_id)
            if other and other.revision >= rows[barber_id].revision:
                del rows[barber_id]
            else:
                self._replace(elsewhere, barber_id, None)

    def _remove(self, cell: int) -> None:
        held = self._cells.pop(cell, None)
        if held:
            self._bytes -= held.size_bytes
            for row in held.array.barbers:
                del self._cell_by_barber[row.id]

    def on_change(self, change: BarberChange) -> None:
        """Take a change over, from this process or another."""
        new = to_cell_change(change)
        if not self._recent.add(new):
            return
        before = self._cell_by_barber.get(new.id)
        if before is not None:
            held = self._cells[before].array.find(new.id)
            if held and held.revision >= new.order:
                return
            if new.barber is None or before != new.cell:
                self._replace(before, new.id, None)
        if new.barber and new.cell in self._cells:
            self._replace(new.cell, new.id, new.barber)

    def _replace(self, cell: int, barber_id: UUID, new: IndexedBarber | None) -> None:
        """Put `new` into a cell that is held, in the place of the row that the barber had there, if any."""
        held = self._cells[cell]
        old = held.array.find(barber_id)
        held.array = held.array.with_barber(new) if new else held.array.without(barber_id)
        growth = (new.size_bytes if new else 0) - (old.size_bytes if old else 0)
        held.size_bytes += growth
        self._bytes += growth
        if new:
            self._cell_by_barber[barber_id] = cell
        else:
            del self._cell_by_barber[barber_id]
        self._notify(cell, old, new)

    def _notify(self, cell: int, old: IndexedBarber | None, new: IndexedBarber | None) -> None:
        if old is not new and not (old and old.renders_same_as(new)):
            self._listener(cell, old, new)

    def on_gap(self) -> None:
        """Everything that is held is to be loaded anew before it answers again."""
        self._listening_since = time.time()
        for held in self._cells.values():
            held.fresh_until = held.refresh_at = 0.0

    def _evict_lru(self, wanted: Sequence[int]) -> None:
        """Spares what is wanted now, since tiles are made of it and must hear of every change there."""
        excess = self._bytes - self._max_bytes
        if excess <= 0:
            return
        spared = set(wanted).union(*self._cells_in_use)
        given_up: list[int] = []
        for cell, held in self._cells.items():
            if excess <= 0:
                break
            if cell not in spared:
                given_up.append(cell)
                excess -= held.size_bytes
        for cell in given_up:
            self._remove(cell)
            self._listener(cell, None, None)
        self._cooldown_until = time.time() + _COOLDOWN_FACTOR * self._last_load_s
