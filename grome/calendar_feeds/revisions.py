"""Advance SEQUENCE and LAST-MODIFIED of an event with every change of its text, without I/O.

The version of a booking is not enough: names, places, zones, languages and translations change too, and calendar apps
keep the old text of an event with the same sequence and time. Therefore the published text is compared with the new
text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import datetime
from typing import Final

import msgspec

from grome.calendar_feeds.models import MAX_PUBLISHED, CalendarEntry, PublishedEntry

_DIGEST_BYTES: Final = 8


def apply_revisions(
    entries: Sequence[CalendarEntry], told: Sequence[PublishedEntry], now: datetime
) -> tuple[list[CalendarEntry], list[PublishedEntry]]:
    """Return the entries with their sequences and times, and the events to store.

    Stored events that are not among the entries stay stored as long as there is room.
    """
    before = {event.uid: event for event in told}
    revised = [_revise(entry, before.get(entry.uid), now) for entry in entries]
    here = [PublishedEntry(entry.uid, digest_of(entry), entry.sequence, entry.changed_at) for entry in revised]
    uids = {entry.uid for entry in entries}
    others = [event for event in told if event.uid not in uids]
    return revised, [*here, *others][:MAX_PUBLISHED]


def digest_of(entry: CalendarEntry) -> bytes:
    text = astuple(replace(entry, sequence=0, changed_at=entry.starts_at))
    return hashlib.blake2b(msgspec.json.encode(text), digest_size=_DIGEST_BYTES).digest()


def _revise(entry: CalendarEntry, before: PublishedEntry | None, now: datetime) -> CalendarEntry:
    """Set the sequence and time of the entry; neither decreases, even if a text returns to an earlier state."""
    if before is None:
        return entry
    if before.digest == digest_of(entry):
        sequence, changed_at = before.sequence, before.changed_at
    else:
        sequence, changed_at = before.sequence + 1, now
    if entry.changed_at > before.changed_at:  # the booking itself has changed, and knows when
        changed_at = entry.changed_at
    return replace(entry, sequence=max(sequence, entry.sequence), changed_at=max(changed_at, before.changed_at))
