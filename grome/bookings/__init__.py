"""Bookings of time with a barber, from the request to the end of the visit.

Pattern: each booking is one document with its history. A history entry is written in the same update as its change, and
serves as the outbox entry from which all effects of the change follow.

Concurrency: the unique index on (`barber_id`, `ticks`) decides about time and about seats under daily caps, so creation
needs no lock and no transaction. Updates use optimistic locking by `version` and are retried.

Lifecycle: `TRANSITIONS` in `models.py` lists the legal transitions, `windows.py` the time window of each action.
Deadlines take effect when the booking is next read for an update; periodic jobs only bound the delay.

Invariants: two active bookings of a barber never share a tick, a booking keeps its time if rescheduling fails, and a
repeated action changes nothing.
"""
