"""Load cells from a copy in Redis that all processes share, or else from MongoDB's 2dsphere index."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from loguru import logger
from msgspec import Struct, field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from grome.barbers.models import BarberMapEntry
from grome.barbers.service import BarberService
from grome.common.geo import GeoPoint
from grome.infrastructure.mongo.client import from_bson
from grome.infrastructure.redis.client import Namespace
from grome.nearby.barber_array import fingerprint
from grome.nearby.h3_cells import cell_of, enclosing_circle

# A copy spares MongoDB all processes but the first of those that need a cell at about the same time.
COPY_TTL_S: Final = 6
# One process reads a cell from MongoDB; the others poll for its copy for so long before they read the cell themselves.
_LOCK_TTL_S: Final = 1.0
_POLL_INTERVAL_S: Final = 0.01
_MAX_KNOWN_CELLS: Final = 100_000  # about 150 bytes each


class CellSnapshot(Struct, frozen=True):
    """Holds the BarberMapEntry documents in BSON that a cell had in MongoDB at `read_at` (Unix seconds)."""

    read_at: float
    entries: list[bytes] = field(name="pins")


CellSnapshots = dict[int, CellSnapshot]
LoadCells = Callable[[Sequence[int], float | None], Awaitable[CellSnapshots]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CellSnapshot).decode


def copy_key(namespace: Namespace, cell: int) -> str:
    return namespace.key(f"cell:{cell:x}:copy")


def lock_key(namespace: Namespace, cell: int) -> str:
    return namespace.key(f"cell:{cell:x}:reading")


class CellLoader:
    """Loads cells. Without Redis every cell still comes from MongoDB, only slower."""

    def __init__(self, barbers: BarberService, redis: Redis, namespace: Namespace) -> None:
        self._barbers, self._redis, self._namespace = barbers, redis, namespace
        self._cell_by_fingerprint: dict[int, int] = {}

    async def load(self, cells: Sequence[int], not_before: float | None) -> CellSnapshots:
        """Return all of `cells`, also the empty cells.

        A copy counts only if it was read after `not_before` (Unix seconds); with None no copy is used. Raises the
        driver's errors if MongoDB is away.
        """
        if not_before is None:
            return await self._read_database(cells)
        try:
            return await self._load_shared(cells, not_before)
        except RedisError as error:  # away, full, or turned into a replica that takes no writes
            logger.warning("Redis cannot be used ({!r}); {} cells come straight from MongoDB", error, len(cells))
            return await self._read_database(cells)

    async def _load_shared(self, cells: Sequence[int], not_before: float) -> CellSnapshots:
        found = await self._read_copies(cells, not_before)
        deadline = time.monotonic() + _LOCK_TTL_S
        while missing := [cell for cell in cells if cell not in found]:
            ours = missing if time.monotonic() > deadline else await self._lock(missing)
            if ours:
                found |= await self._read_and_share(ours)
            else:
                await asyncio.sleep(_POLL_INTERVAL_S)
                found |= await self._read_copies(missing, not_before)
        return found

    async def _read_copies(self, cells: Sequence[int], not_before: float) -> CellSnapshots:
        # A pipeline, since the keys are in different slots of a Redis Cluster.
        async with self._redis.pipeline(transaction=False) as pipeline:
            for cell in cells:
                pipeline.get(copy_key(self._namespace, cell))
            copies = await pipeline.execute()
        found = {cell: _decode(copy) for cell, copy in zip(cells, copies, strict=True) if copy is not None}
        return {cell: copy for cell, copy in found.items() if copy.read_at >= not_before}

    async def _lock(self, cells: Sequence[int]) -> list[int]:
        """Return the cells that no other process is reading; a lock outlives its holder by a second at most."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for cell in cells:
                pipeline.set(lock_key(self._namespace, cell), b"1", nx=True, px=int(_LOCK_TTL_S * 1000))
            acquired = await pipeline.execute()
        return [cell for cell, ours in zip(cells, acquired, strict=True) if ours]

    async def _read_and_share(self, cells: Sequence[int]) -> CellSnapshots:
        read = await self._read_database(cells)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for cell, snapshot in read.items():
                pipeline.set(copy_key(self._namespace, cell), _encode(snapshot), ex=COPY_TTL_S)
                pipeline.delete(lock_key(self._namespace, cell))
            await pipeline.execute()
        return read

    async def _read_database(self, cells: Sequence[int]) -> CellSnapshots:
        """Read a circle around all cells by one query, and keep the barbers that are in the cells."""
        latitude, longitude, radius_m = enclosing_circle(cells)
        read_at = time.time()
        entries: dict[int, list[bytes]] = {cell: [] for cell in cells}
        async for raw in self._barbers.iter_within(GeoPoint((longitude, latitude)), radius_m):
            if (cell := self._cell_of_entry(raw)) in entries:
                entries[cell].append(raw)
        return {cell: CellSnapshot(read_at, found) for cell, found in entries.items()}

    def _cell_of_entry(self, raw: bytes) -> int:
        """Look up the cell by fingerprint, and decode the entry only if it is not known yet."""
        known = fingerprint(raw)
        cell = self._cell_by_fingerprint.get(known)
        if cell is None:
            longitude, latitude = from_bson(raw, BarberMapEntry).location.coordinates
            if len(self._cell_by_fingerprint) >= _MAX_KNOWN_CELLS:
                self._cell_by_fingerprint.clear()
            cell = self._cell_by_fingerprint[known] = cell_of(latitude, longitude)
        return cell
