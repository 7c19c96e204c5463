"""Find barbers around a point, mostly from memory. A diagram is in docs/features/nearby.md.

Pattern: `NearbyIndex` (`index.py`) is the only door. It takes the first of four strategies that can answer: a page from
a cached tile, a search of cells that also builds a tile, a search of cells only, or a query to MongoDB.

Concurrency: all state belongs to the event loop of one process, and no await lies within a change of it. A cell has at
most one load at a time in a process. Of several processes one reads the cell from MongoDB, under a lock in Redis; the
others wait for its copy.

Lifecycle: a cell is loaded by the first search that should be cached, updated by published changes, reloaded after 14 s
and evicted as the least recently used. A tile lives as long as all its cells, unless a change evicts it.

Invariants: a page has the exact distances and the order of a scan of all barbers. A barber is in at most one cell. No
answer is older than 25 s, or 0.5 s while Redis is away, unless MongoDB is away, as `Age` states. Cells and tiles stay
within `GROME_NEARBY_MEMORY_MB`, apart from cells that present searches need.
"""
