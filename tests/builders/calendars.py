"""Calendar feeds, asked for through the API and read back by two parsers that are not ours."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import icalendar
from ical.calendar_stream import IcsCalendarStream

from tests.builders.people import Person


@dataclass(frozen=True)
class Read:
    """One event as both parsers read it."""

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    status: str
    summary: str
    description: str
    location: str
    geo: tuple[float, float] | None
    url: str


async def address(http: httpx.AsyncClient, person: Person) -> str:
    """The whole address; links name the public one, so only its path counts here."""
    response = await http.get("/v1/me/calendar", headers=person.auth)
    assert response.status_code == 200, response.text
    return str(response.json()["url"])


def token_of(url: str) -> str:
    return urlsplit(url).path.split("/")[3]


async def fetch(http: httpx.AsyncClient, url: str, **headers: str) -> httpx.Response:
    """As a calendar app does: with no sign-in."""
    return await http.get(urlsplit(url).path, headers=headers)


async def feed(http: httpx.AsyncClient, person: Person) -> list[Read]:
    response = await fetch(http, await address(http, person))
    assert response.status_code == 200, response.text
    return read(response.content)


def read(content: bytes) -> list[Read]:
    """Well-formed to the octet, and the same to the strict parser as to the other."""
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 75
    strict, other = _strictly(content), _otherwise(content)
    assert strict == other
    return strict


def _strictly(content: bytes) -> list[Read]:
    return [
        Read(
            event.uid,
            event.sequence or 0,
            _moment(event.dtstamp),
            _moment(event.dtstart),
            _moment(event.dtend),
            event.status.value if event.status else "",
            event.summary or "",
            event.description or "",
            event.location or "",
            (event.geo.lat, event.geo.lng) if event.geo else None,
            str(event.url or ""),
        )
        for event in IcsCalendarStream.calendar_from_ics(content.decode()).events
    ]


def _otherwise(content: bytes) -> list[Read]:
    calendar = icalendar.Calendar.from_ical(content)
    return [
        Read(
            str(event["UID"]),
            int(event["SEQUENCE"]),
            event.decoded("DTSTAMP"),
            event.decoded("DTSTART"),
            event.decoded("DTEND"),
            str(event["STATUS"]),
            str(event["SUMMARY"]),
            str(event.get("DESCRIPTION", "")),
            str(event.get("LOCATION", "")),
            (event["GEO"].latitude, event["GEO"].longitude) if "GEO" in event else None,
            str(event.get("URL", "")),
        )
        for event in calendar.walk("VEVENT")
    ]


def _moment(value: object) -> datetime:
    """The parser's types also allow a date, which is no time, and a time without a zone, which is ambiguous."""
    assert isinstance(value, datetime)
    assert value.tzinfo is not None
    return value
