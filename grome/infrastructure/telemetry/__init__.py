"""Metrics of the processes of one Grome, in memory that they share.

The main process makes a `Block`, a file in memory. Each worker claims a slot of it by its name and adds to 64-bit
integers there, which costs as much as adding to a list. Any process reads all slots, so `/metrics` of any worker
answers for all. A worker that was killed leaves its counts in its slot, and its successor goes on with them.

`catalogue.py` declares every metric. A process without a block, such as a command or a test, counts in its own memory.
Things that are counted across machines, for example payments, are in `grome/infrastructure/redis/stored_counts.py`.
"""
