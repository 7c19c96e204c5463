"""Write calendars in iCalendar (RFC 5545, RFC 7986). Times are in UTC, so no time zone rules are included."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from functools import lru_cache
from typing import Final

import icalendar
from icalendar import vDatetime, vDuration, vGeo, vInt, vText, vUri

from grome.calendar_feeds.models import CalendarEntry, EventStatus

CONTENT_TYPE: Final = "text/calendar"
NAME: Final = "Grome"
_POLL_AFTER: Final = timedelta(minutes=15)
_END: Final = b"END:VCALENDAR\r\n"
# Writing an event takes 0.3 ms, and few events of a polled feed have changed.
_CACHE_SIZE: Final = 4_000


def write_calendar(entries: Sequence[CalendarEntry]) -> bytes:
    """Write a calendar. Takes long for many events without cache, so it belongs in a thread."""
    return b"".join([_HEAD, *map(_event, entries), _END])


def _head() -> bytes:
    calendar = icalendar.Calendar()
    calendar["VERSION"], calendar["PRODID"] = vText("2.0"), vText("-//Grome//Grome//EN")
    calendar["CALSCALE"], calendar["METHOD"] = vText("GREGORIAN"), vText("PUBLISH")
    # Most apps know the properties of RFC 7986 only by their older names.
    calendar["NAME"] = calendar["X-WR-CALNAME"] = vText(NAME)
    calendar["X-PUBLISHED-TTL"] = vDuration(_POLL_AFTER)
    calendar["REFRESH-INTERVAL"] = vDuration(_POLL_AFTER, params={"VALUE": "DURATION"})
    content: bytes = calendar.to_ical()
    return content.removesuffix(_END)


@lru_cache(_CACHE_SIZE)
def _event(entry: CalendarEntry) -> bytes:
    event = icalendar.Event()
    event["UID"], event["SEQUENCE"] = vText(entry.uid), vInt(entry.sequence)
    event["DTSTAMP"] = event["LAST-MODIFIED"] = vDatetime(entry.changed_at.astimezone(UTC))
    event["DTSTART"] = vDatetime(entry.starts_at.astimezone(UTC))
    event["DTEND"] = vDatetime(entry.ends_at.astimezone(UTC))
    event["STATUS"] = vText(entry.status)
    event["TRANSP"] = vText("TRANSPARENT" if entry.status is EventStatus.CANCELLED else "OPAQUE")
    event["SUMMARY"] = vText(entry.summary)
    texts = {"DESCRIPTION": entry.description, "LOCATION": entry.location}
    event.update({name: vText(text) for name, text in texts.items() if text})
    if entry.geo:
        event["GEO"] = vGeo(entry.geo)
    if entry.url:
        event["URL"] = vUri(entry.url)
    content: bytes = event.to_ical()
    return content


_HEAD: Final = _head()
