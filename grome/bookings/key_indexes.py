"""Compare the indexes on Idempotency-Keys with the settings, and replace them before bookings are sharded."""

from grome.bookings.repository import COLLECTION
from grome.common.clock import Clock
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.index_replacement import ReplacementState, read_state, replace_index


class KeyIndexes:
    """The unique index on customer and key, or its replacement, which needs claims (decision 24)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def read(self) -> ReplacementState:
        return await read_state(self._database, COLLECTION)

    async def replace(self) -> None:
        """Replace the index while Grome serves; all processes must claim keys already."""
        await replace_index(self._database, COLLECTION, self._clock())


def find_key_fault(state: ReplacementState, *, claims_keys: bool) -> str | None:
    """Return a sentence about a booking that could be stored twice or never, or None."""
    if not claims_keys and (state.has_rule or not state.has_old):
        return (
            "The indexes of `bookings` are those for shards, which keep a repeated request from booking twice only if"
            " its key is claimed: set GROME_MONGO_SHARDED_BOOKINGS=true."
        )
    if claims_keys and not state.has_old and not state.is_replaced:
        return "`bookings` is prepared for shards in part only: run `grome prepare-shards` again."
    return None
