"""Backups of the database, and their restore to a point in time.

Pattern: a backup is a folder. `dump.grome` holds all documents as they were at one cluster time, and each
`oplog-NNNNNN.grome` the writes that followed. A restore loads the dump and replays the writes up to the point.

Invariants: a file has its final name only when it is complete; the writes of the segments follow each other without a
gap; an unfinished restore is marked in the database, and Grome does not serve a marked database.
"""
