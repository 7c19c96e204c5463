"""Promo codes, and the limits of their uses.

Pattern: a use is one document under the id of its booking. It claims a seat of the promo and a seat of the customer,
and unique indexes give each seat to one use.

Concurrency: concurrent claims choose random seats, and a claim that loses its seat is retried. A quote's hold is not
firm and yields to a newer claim of the same customer, in one transaction.

Lifecycle: claimed before the booking is stored, confirmed after it, and given back if the booking ends without a visit.
A hold that ends without confirmation is settled from the bookings, by the next claim or by the sweep each minute.

Invariants: no new use exceeds the limit of its promo, and a customer has each first visit once across all codes.
"""
