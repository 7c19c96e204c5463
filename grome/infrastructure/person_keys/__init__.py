"""Keys of persons, by which records that must never change hold personal values.

Pattern: a value is sealed under the key of its person. Destroying the key erases the value in every record of the
collections that hold it, and the records themselves stay as they are. A backup that was made before holds the key too:
the value is gone from it when the backup is deleted.

Concurrency: the first of several concurrent requests creates a key. A process keeps keys for sealing in memory; a value
that it seals after the key was destroyed elsewhere is unreadable from the start.

Invariants: a destroyed key is never created again. The database alone reveals no key, since each key is sealed by the
secrets keys.
"""
