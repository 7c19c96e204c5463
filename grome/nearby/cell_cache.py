"""Cache H3 cells of barbers in this process, bounded by bytes; each cell has one load at a time.

Published changes keep cached cells up to date (`on_change`). Cells are also reloaded regularly, in case a message was
lost. A load can be older than a change received meanwhile, so the changes of the last seconds are applied to each load.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from loguru import logger

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.common.errors import Unavailable
from grome.infrastructure.mongo.client import DriverError, is_transient_fault
from grome.infrastructure.telemetry.catalogue import NEARBY_EVICTED
from grome.nearby.barber_array import BarberArray, IndexedBarber, decode_barber, fingerprint
from grome.nearby.cell_loader import CellSnapshot, LoadCells
from grome.nearby.recent_changes import RecentChanges, to_cell_change

# From this age on, a cell is reloaded in the background while it still answers ...
REFRESH_AFTER_S: Final = 14.0
# ... and from this age on it does not answer while MongoDB is available: a lost message has no effect after that.
FRESH_FOR_S: Final = 25.0
# The same for a process that receives no changes, because Redis is away.
_FRESH_FOR_WITHOUT_REDIS_S: Final = 0.5
# The clocks of two machines differ by less than this, and a change is published within this time after its write.
_CLOCK_MARGIN_S: Final = 1.0
# A search waits so long for the reload of a stale cell before it uses the stale cell.
_REFRESH_WAIT_S: Final = 0.5
_RECHECK_INTERVAL_S: Final = 0.25
# After a failed load, cached cells answer for so long before the next attempt.
_RETRY_DELAY_S: Final = 1.0
# If many places are requested that are not cached, further loads would only slow each other down until MongoDB seemed
# to be away.
_MAX_CONCURRENT_LOADS: Final = 3
# Places that are requested in turn and together exceed the memory would evict each other as fast as they are loaded.
# So from this fill level on, a place is loaded only if it is requested so often within the window, because a load takes
# as long as dozens of searches in the database ...
_ADMISSION_FILL_RATIO: Final = 0.75
_ADMISSION_REQUESTS: Final = 20
_ADMISSION_WINDOW_S: Final = 10.0
_MAX_COUNTED_PLACES: Final = 10_000
# ... and after a load that evicted other cells, no place is loaded for so many times the duration of the load.
_COOLDOWN_FACTOR: Final = 2.0
# Tiles report at least so often that their cells are in use.
_USAGE_INTERVAL_S: Final = 2.0
_CELL_BYTES: Final = 2_000
_DECODE_BATCH: Final = 50

# Receives a cell and the old and the new state of a barber there; without both, the cell was evicted.
BarberListener = Callable[[int, IndexedBarber | None, IndexedBarber | None], None]


def _ignore_barber(_cell: int, _old: IndexedBarber | None, _new: IndexedBarber | None) -> None:
    """Stand in for a listener until there is one."""


class Cell:
    """Holds the barbers of a cell as MongoDB had them at `read_at` (Unix seconds), with later changes applied."""

    __slots__ = ("array", "fresh_until", "read_at", "refresh_at", "size_bytes")

    def __init__(self, array: BarberArray, read_at: float, fresh_for_s: float) -> None:
        self.array, self.size_bytes = array, _CELL_BYTES + array.size_bytes
        self.mark_read(read_at, fresh_for_s)

    def mark_read(self, read_at: float, fresh_for_s: float) -> None:
        self.read_at, self.fresh_until = read_at, read_at + fresh_for_s
        self.refresh_at = min(self.fresh_until, read_at + REFRESH_AFTER_S)

    def fingerprints(self) -> set[int]:
        return {barber.fingerprint for barber in self.array.barbers}


class CellCache:
    """Holds cells up to `max_bytes` and evicts the least recently used cells beyond it.

    Cells that are needed by waiting searches, or by the last search, stay even if they exceed the bound. The listener
    is called whenever a barber of a cell came, went or changed, and when a cell was evicted.
    """

    def __init__(self, load: LoadCells, changes: BarberChangeFeed, max_bytes: int) -> None:
        self._load, self._changes, self._max_bytes = load, changes, max_bytes
        self._listener: BarberListener = _ignore_barber
        self._cells: OrderedDict[int, Cell] = OrderedDict()
        self._cell_by_barber: dict[UUID, int] = {}
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._needed: list[Sequence[int]] = []  # the cells of each search that waits for a load
        self._recent = RecentChanges()
        self._listening_since = time.time()
        self._retry_at = 0.0
        self._load_slots = asyncio.Semaphore(_MAX_CONCURRENT_LOADS)
        self._last_load_s = 0.0  # the duration of the last load with cells that were not cached
        self._cooldown_until = 0.0
        self._requests: Counter[int] = Counter()  # by hashes, since wide circles have hundreds of cells each
        self._counting_since = 0.0
        self._bytes = 0
        changes.subscribe(self)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def __len__(self) -> int:
        return len(self._cells)

    def set_listener(self, listener: BarberListener) -> None:
        self._listener = listener

    def revalidate(self, numbers: Sequence[int]) -> tuple[float, float]:
        """Mark cached cells as used and start to reload the ageing cells.

        Return when to call again, and until when the present content may answer (Unix seconds). All of the cells are
        cached, because tiles end with their cells.
        """
        now = time.time()
        cells = [self._cells[number] for number in numbers]
        for number in numbers:
            self._cells.move_to_end(number)
        ageing = [number for number, cell in zip(numbers, cells, strict=True) if cell.refresh_at <= now]
        if ageing and now >= self._retry_at:
            self._start_loading(ageing)
        if ageing:
            check_at = now + _RECHECK_INTERVAL_S
        else:
            check_at = min(now + _USAGE_INTERVAL_S, *(cell.refresh_at for cell in cells))
        return check_at, min(cell.fresh_until for cell in cells)

    def should_cache(self, numbers: Sequence[int]) -> bool:
        """Return whether the cells are cached or should be loaded for this request.

        Each call counts as a request for the cells.
        """
        if all(number in self._cells or number in self._loading for number in numbers):
            return True
        now = time.time()
        if now < self._retry_at:
            return True  # a search in the database would fail too
        if self._load_slots.locked() or now < self._cooldown_until:
            return False
        return self._bytes < _ADMISSION_FILL_RATIO * self._max_bytes or self._is_requested_often(tuple(numbers), now)

    def _is_requested_often(self, numbers: tuple[int, ...], now: float) -> bool:
        if self._counting_since + _ADMISSION_WINDOW_S < now or len(self._requests) >= _MAX_COUNTED_PLACES:
            self._requests.clear()
            self._counting_since = now
        self._requests[hash(numbers)] += 1
        return self._requests[hash(numbers)] >= _ADMISSION_REQUESTS

    async def get(self, numbers: Sequence[int]) -> list[Cell]:
        """Return the cells, and load the missing and stale cells first; stale cells are returned if MongoDB is away.

        Raises Unavailable if a missing cell cannot be loaded.
        """
        if time.time() >= self._retry_at:
            await self._refresh(numbers)
        if any(number not in self._cells for number in numbers):
            raise Unavailable("The map of this place cannot be loaded now.")
        for number in numbers:
            self._cells.move_to_end(number)
        self._evict_lru(numbers)
        return [self._cells[number] for number in numbers]

    async def _refresh(self, numbers: Sequence[int]) -> None:
        """Wait for missing cells, at most `_REFRESH_WAIT_S` for stale cells, and not at all for ageing cells."""
        now = time.time()
        missing = [number for number in numbers if number not in self._cells]
        ageing = [number for number in numbers if number in self._cells and self._cells[number].refresh_at <= now]
        if not missing and not ageing:
            return
        stale = [number for number in ageing if self._cells[number].fresh_until <= now]
        failing = self._retry_at > 0
        if failing:
            self._retry_at = now + _RETRY_DELAY_S  # a single search tries whether MongoDB is back; no other waits
        tasks = self._start_loading([*missing, *ageing])
        self._needed.append(numbers)
        try:
            if missing:
                await asyncio.wait({tasks[number] for number in missing}, timeout=_REFRESH_WAIT_S if failing else None)
            if stale and not failing:
                await asyncio.wait({tasks[number] for number in stale}, timeout=_REFRESH_WAIT_S)
        finally:
            self._needed.remove(numbers)

    def _start_loading(self, numbers: Sequence[int]) -> dict[int, asyncio.Task[None]]:
        """Start one load for all cells that are not being loaded; return the load of each cell."""
        new = [number for number in numbers if number not in self._loading]
        if new:
            task = asyncio.create_task(self._load_and_store(new), name="cells")
            self._loading.update(dict.fromkeys(new, task))
        return {number: self._loading[number] for number in numbers}

    async def _load_and_store(self, numbers: Sequence[int]) -> None:
        try:
            async with self._load_slots:
                started, listening_since = time.time(), self._listening_since
                not_before = listening_since + _CLOCK_MARGIN_S if self._changes.listening else None
                snapshots = await self._load(numbers, not_before)
        except DriverError as error:
            self._retry_at = time.time() + _RETRY_DELAY_S
            if not is_transient_fault(error):
                raise
            logger.warning("MongoDB is away ({!r}); {} cells stay as they are", error, len(numbers))
        else:
            self._retry_at = 0.0
            has_new = not snapshots.keys() <= self._cells.keys()
            for number, snapshot in snapshots.items():
                await self._store(number, snapshot, listening_since)
            if has_new:
                self._last_load_s = time.time() - started
        finally:
            for number in numbers:
                del self._loading[number]

    async def _store(self, number: int, snapshot: CellSnapshot, listening_since: float) -> None:
        if self._is_unchanged(number, snapshot):
            self._cells[number].mark_read(snapshot.read_at, self._fresh_for_s(listening_since))
            return
        barbers = await self._decode_barbers(number, snapshot.entries)
        # No await from here on: cells, homes and recent changes are of one moment.
        cached = self._cells.get(number)
        before = {barber.id: barber for barber in cached.array.barbers} if cached else {}
        self._recent.apply_to(number, barbers)
        self._deduplicate_moved(number, barbers)
        array = cached.array if cached and barbers == before else BarberArray.from_barbers(barbers.values())
        self._remove(number)
        self._cells[number] = new = Cell(array, snapshot.read_at, self._fresh_for_s(listening_since))
        self._bytes += new.size_bytes
        self._cell_by_barber.update(dict.fromkeys(barbers, number))
        for barber_id in before.keys() | barbers.keys():
            self._notify(number, before.get(barber_id), barbers.get(barber_id))

    def _is_unchanged(self, number: int, snapshot: CellSnapshot) -> bool:
        """Compare fingerprints, which are mostly equal. A published change since the last load has no fingerprint."""
        cached = self._cells.get(number)
        return cached is not None and cached.fingerprints() == {fingerprint(entry) for entry in snapshot.entries}

    def _fresh_for_s(self, listening_since: float) -> float:
        in_touch = self._changes.listening and listening_since == self._listening_since
        return FRESH_FOR_S if in_touch else _FRESH_FOR_WITHOUT_REDIS_S

    async def _decode_barbers(self, number: int, entries: Sequence[bytes]) -> dict[UUID, IndexedBarber]:
        """Decode the changed entries only, and let the event loop run in between."""
        cached = self._cells.get(number)
        known = {barber.fingerprint: barber for barber in cached.array.barbers} if cached else {}
        barbers: dict[UUID, IndexedBarber] = {}
        for count, entry in enumerate(entries, start=1):
            barber = known.get(fingerprint(entry)) or decode_barber(entry)
            barbers[barber.id] = barber
            if count % _DECODE_BATCH == 0:
                await asyncio.sleep(0)
        return barbers

    def _deduplicate_moved(self, number: int, barbers: dict[UUID, IndexedBarber]) -> None:
        """Keep the newer state of each barber that is loaded for this cell and cached in another."""
        for barber_id in [barber_id for barber_id in barbers if self._cell_by_barber.get(barber_id, number) != number]:
            elsewhere = self._cell_by_barber[barber_id]
            other = self._cells[elsewhere].array.find(barber_id)
            if other and other.revision >= barbers[barber_id].revision:
                del barbers[barber_id]
            else:
                self._replace(elsewhere, barber_id, None)

    def _remove(self, number: int) -> None:
        cell = self._cells.pop(number, None)
        if cell:
            self._bytes -= cell.size_bytes
            for barber in cell.array.barbers:
                del self._cell_by_barber[barber.id]

    def on_change(self, change: BarberChange) -> None:
        """Apply a change that this process or another has published."""
        new = to_cell_change(change)
        if not self._recent.add(new):
            return
        before = self._cell_by_barber.get(new.id)
        if before is not None:
            cached = self._cells[before].array.find(new.id)
            if cached and cached.revision >= new.revision:
                return
            if new.barber is None or before != new.cell:
                self._replace(before, new.id, None)
        if new.barber and new.cell in self._cells:
            self._replace(new.cell, new.id, new.barber)

    def _replace(self, number: int, barber_id: UUID, new: IndexedBarber | None) -> None:
        """Add, replace or, if `new` is None, remove a barber of a cached cell."""
        cell = self._cells[number]
        old = cell.array.find(barber_id)
        cell.array = cell.array.with_barber(new) if new else cell.array.without(barber_id)
        growth = (new.size_bytes if new else 0) - (old.size_bytes if old else 0)
        cell.size_bytes += growth
        self._bytes += growth
        if new:
            self._cell_by_barber[barber_id] = number
        else:
            del self._cell_by_barber[barber_id]
        self._notify(number, old, new)

    def _notify(self, number: int, old: IndexedBarber | None, new: IndexedBarber | None) -> None:
        if old is not new and not (old and old.renders_same_as(new)):
            self._listener(number, old, new)

    def on_gap(self) -> None:
        """Mark all cells as stale, so that each is reloaded before it answers again."""
        self._listening_since = time.time()
        for cell in self._cells.values():
            cell.fresh_until = cell.refresh_at = 0.0

    def _evict_lru(self, needed: Sequence[int]) -> None:
        """Keep the needed cells, since tiles are built from them and must receive every change there."""
        excess = self._bytes - self._max_bytes
        if excess <= 0:
            return
        spared = set(needed).union(*self._needed)
        evicted: list[int] = []
        for number, cell in self._cells.items():
            if excess <= 0:
                break
            if number not in spared:
                evicted.append(number)
                excess -= cell.size_bytes
        for number in evicted:
            self._remove(number)
            self._listener(number, None, None)
        NEARBY_EVICTED.add("cells", by=len(evicted))
        self._cooldown_until = time.time() + _COOLDOWN_FACTOR * self._last_load_s
