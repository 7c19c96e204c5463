"""Test calendar events by two parsers: times, any text, places, proposals, every language."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from grome.bookings.models import (
    Action,
    BookedAddOn,
    BookedService,
    Booking,
    HistoryEntry,
    HouseCall,
    Party,
    Proposal,
    Reason,
    Status,
)
from grome.calendar_feeds.entries import (
    WORDS,
    Shop,
    build_barber_entry,
    build_customer_entry,
    build_time_off_entry,
)
from grome.calendar_feeds.ics import write_calendar
from grome.calendar_feeds.models import CalendarEntry, EventStatus
from grome.common.geo import GeoPoint
from grome.common.ids import new_id
from grome.common.languages import LANGUAGES, Language
from grome.notifications.localizer import Localizer
from grome.promos.models import Discount
from grome.scheduling.models import TimeOff
from tests.builders.calendars import Read, read
from tests.builders.reports import make_booking

START = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
SHOP = Shop("Chez Zoë", "Europe/Berlin", "Mitte", GeoPoint((13.4050001, 52.52)))
ENGLISH = Localizer("en", ZoneInfo("Europe/Berlin"))
LINK = "https://grome.example/bookings/1"
INJECTION = "Max\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Free beer"


def customers(booking: Booking, shop: Shop = SHOP, reader: Localizer = ENGLISH) -> CalendarEntry:
    return build_customer_entry(booking, shop, reader, LINK)


def lines(entry: CalendarEntry) -> list[str]:
    return entry.description.split("\n")


def read_back(*entries: CalendarEntry) -> list[Read]:
    return read(write_calendar(entries))


class TestTexts:
    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("Smith, Jones; & Sons", "Smith, Jones; & Sons"),
            (r"back\slash \n \, \\", r"back\slash \n \, \\"),
            ('"Quoted": a=b', '"Quoted": a=b'),
            (INJECTION, "Max END:VEVENT BEGIN:VEVENT SUMMARY:Free beer"),
            ("tab\tline\u2028paragraph\u2029next\x85bell\x07", "tab line paragraph next bell"),
            ("👩‍👩‍👧‍👦 Łódź 理髪店 صالون", "👩‍👩‍👧‍👦 Łódź 理髪店 صالون"),
            ("x" * 500, "x" * 500),
            ("é" * 500, "é" * 500),
            ("💈" * 200, "💈" * 200),
        ],
    )
    def test_any_text_stays_in_a_single_event(self, name: str, told: str) -> None:
        booking = make_booking(START, services=[BookedService(new_id(), name, 100, 30)])
        (event,) = read_back(customers(booking, Shop(name, "UTC", name)))
        assert event.summary == f"{told} · {told}"
        assert event.location == f"{told}, {told}"
        assert event.starts_at == START

    def test_name_never_becomes_a_link(self) -> None:
        assert "evil.example" not in customers(make_booking(START), Shop("Win at https://evil.example/", "UTC")).summary

    @pytest.mark.parametrize(("name", "told"), [("Ana María López", "Ana"), ("  ", ""), ("", ""), (INJECTION, "Max")])
    def test_barber_entry_has_the_first_name_only(self, name: str, told: str) -> None:
        entry = build_barber_entry(make_booking(START), SHOP, ENGLISH, LINK, name)
        assert entry.summary == (f"{told} · A cut" if told else "A cut")

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_entry_is_in_every_language(self, language: Language) -> None:
        reader, words = Localizer(language, ZoneInfo("UTC")), WORDS[language]
        told = lines(customers(_proposed(status=Status.REQUESTED), SHOP, reader))
        assert told[0] == words.requested
        assert told[1].startswith(words.proposed)
        off = build_time_off_entry(TimeOff(new_id(), START, START + timedelta(days=1)), reader)
        assert off.summary == words.time_off
        assert len(read_back(customers(_proposed(), SHOP, reader), off)) == 2

    def test_time_off_without_end_is_written(self) -> None:
        first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
        (event,) = read_back(build_time_off_entry(TimeOff(new_id(), first, last, INJECTION), ENGLISH))
        assert (event.starts_at, event.ends_at) == (first, last)
        assert event.description == "Max END:VEVENT BEGIN:VEVENT SUMMARY:Free beer"

    @pytest.mark.parametrize("reason", Reason)
    def test_entry_states_every_cancellation_reason(self, reason: Reason) -> None:
        ended = make_booking(START, status=Status.CANCELLED, reason=reason)
        sides = [lines(customers(ended)), lines(build_barber_entry(ended, SHOP, ENGLISH, LINK, "Ana"))]
        assert sides[0][0] == ENGLISH.translations.reasons.customer[reason]
        assert sides[1][0] == ENGLISH.translations.reasons.barber[reason]


class TestFacts:
    def test_entry_prices_add_up(self) -> None:
        cut = BookedService(new_id(), "Cut", 3000, 30, [BookedAddOn(new_id(), "Wash", 500, 10)])
        shave = BookedService(new_id(), "Shave", 1500, 20)
        booking = make_booking(START, services=[cut, shave], discount=Discount("MAY", 1000), currency="EUR")
        told = lines(customers(replace(booking, price=4000)))
        assert told == ["Cut: €30.00", "+ Wash: €5.00", "Shave: €15.00", "MAY: \u2212€10.00", "Total: €40.00", LINK]
        assert customers(booking).summary == "Chez Zoë · Cut, Shave"

    def test_house_call_entry_has_the_customers_address(self) -> None:
        there = HouseCall(GeoPoint((13.2, 52.4)), "Am Weg 3, 2nd floor", 4000.0, 15)
        booking = make_booking(START, house_call=there)
        for entry in (customers(booking), build_barber_entry(booking, SHOP, ENGLISH, LINK, "Ana")):
            (event,) = read_back(entry)
            assert (event.location, event.geo) == ("Am Weg 3, 2nd floor", (52.4, 13.2))

    def test_proposal_is_described_and_keeps_the_time(self) -> None:
        """Times are the barber's wall time on both sides of a clock change, with the zone for a reader elsewhere."""
        entry = customers(_proposed())
        assert (entry.starts_at, entry.ends_at) == (START, START + timedelta(minutes=30))
        assert lines(entry)[0] == "Proposed instead: Sun, Mar 28, 3:30\u00a0AM \u2013 4:00\u00a0AM"
        elsewhere = customers(_proposed(), SHOP, Localizer("en", ZoneInfo("America/New_York")))
        assert "(Central European Summer Time)" in lines(elsewhere)[0]

    def test_entry_has_the_time_of_the_newest_history_entry(self) -> None:
        at = [START - timedelta(days=days) for days in (5, 3)]
        entries = [
            HistoryEntry(
                id=new_id(),
                version=number,
                action=Action.CREATE,
                status=Status.REQUESTED,
                by=Party.CUSTOMER,
                actor_id=None,
                at=moment,
            )
            for number, moment in enumerate(at, 1)
        ]
        (event,) = read_back(customers(make_booking(START, history=entries, version=2)))
        assert (event.changed_at, event.sequence) == (at[1], 1)


_TICK = timedelta(minutes=5)
_MOMENTS = st.integers(0, 13_000_000).map(lambda ticks: datetime(1970, 1, 1, tzinfo=UTC) + ticks * _TICK)
_TEXTS = st.one_of(st.text(max_size=120), st.text('ä,;:\\"\r\n\t 💈\u200d\u2028', max_size=120))
_SERVICES = st.lists(
    st.builds(BookedService, st.uuids(), _TEXTS, st.integers(0, 10**9), st.integers(5, 480)), min_size=1, max_size=3
)


@st.composite
def bookings(draw: st.DrawFn) -> Booking:
    status = draw(st.sampled_from(Status))
    return make_booking(
        draw(_MOMENTS),
        id=draw(st.uuids()),
        services=draw(_SERVICES),
        status=status,
        reason=draw(st.sampled_from(Reason)) if status is Status.CANCELLED else None,
        currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        version=draw(st.integers(1, 10_000)),
    )


@given(
    booking=bookings(),
    name=_TEXTS,
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    language=st.sampled_from(LANGUAGES),
)
@settings(max_examples=40)
def test_any_booking_survives_two_parsers(booking: Booking, name: str, zone: str, language: Language) -> None:
    reader = Localizer(language, ZoneInfo(zone))
    entries = [
        customers(booking, Shop(name, zone, name, GeoPoint((-179.99, 0.1))), reader),
        build_barber_entry(booking, Shop(name, zone), reader, LINK, name),
    ]
    events = read_back(*entries)
    assert [event.summary for event in events] == [entry.summary for entry in entries]
    assert [event.description for event in events] == [entry.description for entry in entries]
    assert [event.location for event in events] == [entry.location for entry in entries]
    for event in events:
        assert UUID(event.uid.removesuffix("@grome")) == booking.id
        assert (event.starts_at, event.ends_at) == (booking.scheduled_at, booking.ends_at)
        assert (event.sequence, event.status) == (booking.version - 1, _status(booking.status))


def _status(status: Status) -> EventStatus:
    """Return the status that an app shows: a request is tentative."""
    match status:
        case Status.REQUESTED:
            return EventStatus.TENTATIVE
        case Status.CANCELLED:
            return EventStatus.CANCELLED
        case _:
            return EventStatus.CONFIRMED


def _proposed(**changed: Any) -> Booking:
    later = START + timedelta(hours=1)
    proposal = Proposal(
        scheduled_at=later,
        ends_at=later + timedelta(minutes=30),
        ticks=[],
        instead_of=[],
        awaits=Party.CUSTOMER,
        answer_by=START - timedelta(hours=1),
    )
    return make_booking(START, proposal=proposal, **changed)
