"""Numbered changes of the database, applied in order by `grome migrate`.

Each is idempotent and safe to run twice at once, so that the next run completes an interrupted migration.
"""

from grome.infrastructure.migrations import Migration
from grome.migrations import (
    m0001_foundation,
    m0002_map,
    m0003_effects,
    m0004_shop_rules,
    m0005_bounds,
    m0006_payments,
    m0007_live,
    m0008_protection,
    m0009_causes,
    m0010_retention,
    m0011_key_claims,
)

MIGRATIONS = (
    Migration(1, "foundation: users, sessions, services, barbers, bookings", m0001_foundation.up),
    Migration(2, "map: a barber's version, service radius and neighbourhood", m0002_map.up),
    Migration(3, "effects: what follows from a change", m0003_effects.up),
    Migration(4, "shop rules: what availability, bookings and what surrounds them need", m0004_shop_rules.up),
    Migration(5, "bounds: what a user can repeat has a limit in the database", m0005_bounds.up),
    Migration(6, "payments: the ledger, and payments by card", m0006_payments.up),
    Migration(7, "live: presence and what clients see at once", m0007_live.up),
    Migration(8, "protection: claimed addresses, proofs of identity and verified barbers", m0008_protection.up),
    Migration(9, "causes: the trace of a request, and the cause of a job", m0009_causes.up),
    Migration(
        10, "retention: addresses in the audit trail and unused push tokens are erased after a time", m0010_retention.up
    ),
    Migration(11, "key claims: what Idempotency-Keys of bookings need on shards", m0011_key_claims.up),
)
