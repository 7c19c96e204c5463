"""How many entries the history of a booking may have. Values in, no I/O.

What a person can repeat is bounded for each party by itself, so that neither side can take the last entry from the
other. What ends a booking, answers a proposal or is the next step of the visit happens once each, and always fits below
`MAX_ENTRIES`, which the validator of the collection holds.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from grome.bookings.errors import HistoryFull
from grome.bookings.models import Action, Booking, HistoryEntry, Party

MAX_ENTRIES_BY_PARTY: Final = 100
# From here on nothing is added any more that does not end the booking or bring the visit on.
MAX_ENTRIES_BEFORE_END: Final = 300
# Whoever is still at it keeps one text instead of each that was saved on the way.
NOTE_REPLACED_WITHIN: Final = timedelta(minutes=10)
_ONCE: Final = frozenset(
    {
        Action.ACCEPT,
        Action.DECLINE,
        Action.START,
        Action.COMPLETE,
        Action.CANCEL,
        Action.EXPIRE,
        Action.NO_SHOW,
        Action.REJECT,
        Action.WITHDRAW,
        Action.LAPSE,
    }
)


def check_history(booking: Booking, party: Party, action: Action, fields: Mapping[str, Any]) -> None:
    """Raises HistoryFull where the party cannot add an entry of this action. `fields` are those that it sets."""
    closes_proposal = booking.proposal is not None and "proposal" in fields and fields["proposal"] is None
    if action in _ONCE or closes_proposal:
        return
    if is_full(booking) or _repeated(booking, party) >= MAX_ENTRIES_BY_PARTY:
        raise HistoryFull


def superseded_note(booking: Booking, entry: HistoryEntry) -> int | None:
    """The position of the entry whose note the new entry replaces before long, so that its text need not be kept."""
    if entry.action is not Action.NOTE:
        return None
    for position in range(len(booking.history) - 1, -1, -1):
        older = booking.history[position]
        if older.action is Action.NOTE and older.actor_id == entry.actor_id:
            is_recent = entry.at - older.at < NOTE_REPLACED_WITHIN
            return position if is_recent and older.note is not None else None
    return None


def is_full(booking: Booking) -> bool:
    """Also of a booking that was read without its history: the version counts the entries."""
    return booking.version >= MAX_ENTRIES_BEFORE_END


def _repeated(booking: Booking, party: Party) -> int:
    return sum(_is_repeatable(entry) and entry.by is party for entry in booking.history)


def _is_repeatable(entry: HistoryEntry) -> bool:
    return entry.action not in _ONCE
