"""Claims on the Idempotency-Keys of bookings, for a `bookings` collection that is sharded by barber (decision 24).

Pattern: a claim with a lease is inserted before the booking. Its `_id` follows from customer and key, so it is unique
over all shards, and a booking that is stored is found by customer and key.

Concurrency: of concurrent requests one inserts the claim. A lapsed lease is taken over by one update that is guarded by
the lease that was read.

Lifecycle: a refused request deletes its claim. After a crash the lease lapses. Claims expire after 30 days.
"""
