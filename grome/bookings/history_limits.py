"""Limit the number of entries in the history of a booking, without I/O.

Repeatable actions are limited for each party separately, so that neither side can use up the entries of the other.
A barber can set out to a visit a few times, and can always turn back.
Actions that end the booking, answer a proposal or advance the visit happen once each, and always fit below
`MAX_ENTRIES`, which the validator of the collection enforces. A change of the payment is never refused: beyond its
limit it is stored without an entry, because the payments have histories of their own.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from grome.bookings.errors import HistoryFull
from grome.bookings.models import Action, Booking, HistoryEntry, Party

MAX_ENTRIES_BY_PARTY: Final = 100
# Beyond this number, only entries that end the booking, answer a proposal or advance the visit are added.
MAX_ENTRIES_BEFORE_END: Final = 300
MAX_PAYMENT_ENTRIES: Final = 50
# Payments leave the remaining entries to the actions that end the booking.
_MAX_ENTRIES_WITH_PAYMENT: Final = 320
# A note saved again within this time replaces the author's previous note.
NOTE_REPLACED_WITHIN: Final = timedelta(minutes=10)
_ONE_TIME_ACTIONS: Final = frozenset(
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
# Follow a setting out, which is limited.
_FOLLOW_UPS: Final = frozenset({Action.TURN_BACK, Action.ARRIVE})
MAX_TRIPS: Final = 10


def check_history(booking: Booking, party: Party, action: Action, fields: Mapping[str, Any]) -> None:
    """Check that the party can add an entry of this action, which sets `fields`. Raises HistoryFull."""
    closes_proposal = booking.proposal is not None and "proposal" in fields and fields["proposal"] is None
    if action in _ONE_TIME_ACTIONS | _FOLLOW_UPS or action is Action.PAY or closes_proposal:
        return
    if action is Action.SET_OUT and sum(entry.action is action for entry in booking.history) >= MAX_TRIPS:
        raise HistoryFull
    if is_full(booking) or _count_repeatable(booking, party) >= MAX_ENTRIES_BY_PARTY:
        raise HistoryFull


def find_superseded_note(booking: Booking, entry: HistoryEntry) -> int | None:
    """Return the position of the older note entry that the new entry replaces, or None.

    A note replaces a recent note of the same author, so that the older text need not be kept.
    """
    if entry.action is not Action.NOTE:
        return None
    for position in range(len(booking.history) - 1, -1, -1):
        older = booking.history[position]
        if older.action is Action.NOTE and older.actor_id == entry.actor_id:
            is_recent = entry.at - older.at < NOTE_REPLACED_WITHIN
            return position if is_recent and older.note is not None else None
    return None


def is_full(booking: Booking) -> bool:
    """Return whether the history is full, also for a booking read without its history: `version` counts the entries."""
    return booking.version >= MAX_ENTRIES_BEFORE_END


def has_room_for_payment(booking: Booking) -> bool:
    """Return whether a change of the payment gets an entry of its own."""
    entries = sum(entry.action is Action.PAY for entry in booking.history)
    return entries < MAX_PAYMENT_ENTRIES and booking.version < _MAX_ENTRIES_WITH_PAYMENT


def _count_repeatable(booking: Booking, party: Party) -> int:
    return sum(_is_repeatable(entry) and entry.by is party for entry in booking.history)


def _is_repeatable(entry: HistoryEntry) -> bool:
    return entry.action not in _ONE_TIME_ACTIONS | _FOLLOW_UPS
