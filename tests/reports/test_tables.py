"""Test the rows of reports and the days of a time zone, without I/O."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.bookings.models import BookedAddOn, BookedService, Booking, Guest, Reason, Status
from grome.infrastructure.documents.tables import Row
from grome.ledger.postings import payout_created
from grome.reports.models import Kind, Period
from grome.reports.tables import ReportTable, create_table
from tests.builders.ledger import visit_entries
from tests.builders.reports import make_booking, make_payout

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe"]
# Clocks change at midnight, so that a day begins at one or has two midnights; Samoa left a whole day out.
ODD = [("America/Sao_Paulo", 2018), ("Asia/Beirut", 2022), ("America/Havana", 2022), ("Pacific/Apia", 2011),
       ("Africa/Cairo", 2024), ("Atlantic/Azores", 2022), ("Asia/Tehran", 2021)]  # fmt: skip


def days_of(zone: str, year: int) -> list[Period]:
    first = date(year, 1, 1)
    return [Period(day, day, zone) for day in (first + timedelta(days=number) for number in range(366))]


@pytest.mark.parametrize(("zone", "year"), [*ODD, *((zone, 2027) for zone in ZONES)])
def test_days_are_contiguous(zone: str, year: int) -> None:
    """Each moment is in exactly one day, the day by wall time."""
    days = days_of(zone, year)
    lengths = Counter(day.end - day.start for day in days)
    for day, after in pairwise(days):
        assert day.end == after.start
        for moment in (day.start, day.end - timedelta(seconds=1)) if day.start < day.end else ():
            assert day.local(moment).date() == day.first
    assert lengths.most_common(1)[0][0] == timedelta(days=1)
    assert sum(lengths.values()) == 366


@given(st.sampled_from(ZONES), st.integers(0, 88 * 365 * 86_400), st.integers(0, 365))
def test_moment_is_in_the_period_of_its_day(zone: str, seconds: int, more: int) -> None:
    instant = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    day = instant.astimezone(ZoneInfo(zone)).date()
    period = Period(day, day + timedelta(days=more), zone)
    assert period.start <= instant < period.end
    assert period.days == more + 1
    before = Period(day - timedelta(days=more + 1), day - timedelta(days=1), zone)
    assert before.end == period.start <= instant


def test_day_length_changes_with_the_clocks() -> None:
    for day, hours in ((date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24)):
        period = Period(day, day, "Europe/Berlin")
        assert period.end - period.start == timedelta(hours=hours)


def all_rows(content: ReportTable[Any], bookings: list[Booking], at_once: int = 2) -> list[Row]:
    rows: list[Row] = []
    for number in range(0, len(bookings), at_once):
        rows += content.rows(bookings[number : number + at_once], {})
    return [*rows, *content.remaining_rows()]


def cells(content: ReportTable[Any], row: Row) -> dict[str, object]:
    return dict(zip((column.name for column in content.columns), row, strict=True))


def test_bookings_table_row() -> None:
    content = create_table(Kind.BOOKINGS, Period(date(2027, 3, 28), date(2027, 3, 28), "Europe/Berlin"))
    services = [BookedService(UUID(int=1), "Schnitt", 2500, 30), BookedService(UUID(int=2), "ひげ", 1500, 15)]
    start = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    ended = {"status": Status.CANCELLED, "reason": Reason.NO_SHOW, "currency": "KWD"}
    booking = make_booking(start, services=services, **ended)
    (row,) = content.rows([booking], {booking.barber_id: "美咲"})
    assert cells(content, row) == {
        "booking_id": str(booking.id),
        "starts_at": "2027-03-28T00:30:00Z",
        "starts_local": "2027-03-28 01:30",
        "ends_at": "2027-03-28T01:15:00Z",
        "ends_local": "2027-03-28 03:15",
        "timezone": "Europe/Berlin",
        "barber_id": str(booking.barber_id),
        "barber": "美咲",
        "customer_id": str(booking.customer_id),
        "services": "Schnitt + ひげ",
        "duration_min": 45,
        "status": "cancelled",
        "reason": "no_show",
        "price": Decimal("4.000"),
        "currency": "KWD",
        "payment_status": "pending",
        "created_at": "2027-03-27T00:30:00Z",
    }
    assert content.totals() == ["1 booking: 1 cancelled"]


PERIOD = Period(date(2027, 10, 30), date(2027, 11, 1), "Europe/Berlin")
BOOKINGS = st.lists(
    st.builds(
        lambda minutes, services, currency: make_booking(
            PERIOD.start + timedelta(minutes=minutes),
            services=[BookedService(UUID(int=number), f"S{number}", price, 30) for number, price in services],
            currency=currency,
        ),
        st.integers(0, 73 * 60 - 1),
        st.lists(st.tuples(st.integers(1, 3), st.integers(0, 10**9)), min_size=1, max_size=3),
        st.sampled_from(["EUR", "JPY"]),
    ),
    max_size=20,
)


@given(BOOKINGS, st.integers(1, 5))
def test_revenue_counts_each_visit_once(bookings: list[Booking], at_once: int) -> None:
    """Holds for any batches, and over a day of 25 hours."""
    bookings.sort(key=lambda booking: booking.scheduled_at)
    content = create_table(Kind.REVENUE, PERIOD)
    rows = [cells(content, row) for row in all_rows(content, bookings, at_once)]
    keys = [(row["day"], row["service_id"], row["currency"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert [row["day"] for row in rows] == sorted(str(row["day"]) for row in rows)
    counted, earned = Counter[tuple[object, ...]](), Counter[tuple[object, ...]]()
    for booking in bookings:
        day = str(booking.scheduled_at.astimezone(ZoneInfo("Europe/Berlin")).date())
        for service in booking.services:
            key = day, str(service.service_id), booking.currency
            counted[key] += 1
            earned[key] += service.price
    digits = {"EUR": 100, "JPY": 1}
    found = {key: (row["count"], Decimal(str(row["amount"]))) for key, row in zip(keys, rows, strict=True)}
    assert found == {key: (counted[key], Decimal(earned[key]) / digits[str(key[2])]) for key in counted}
    assert content.totals()[0].startswith(f"{len(bookings)} completed visit")


def test_totals_are_separated_by_currency() -> None:
    start = datetime(2027, 10, 30, 8, tzinfo=UTC)
    bookings = [
        make_booking(start, price=123_456),
        make_booking(start, price=500, currency="JPY"),
        make_booking(start),
    ]
    for kind, what in ((Kind.REVENUE, "Revenue"), (Kind.BOOKINGS, "Completed")):
        content = create_table(kind, PERIOD)
        all_rows(content, bookings)
        assert content.totals()[1:] == [f"{what}: 1,259.56 EUR", f"{what}: 500 JPY"]


def test_payouts_table_shows_the_returned_part() -> None:
    content = create_table(Kind.PAYOUTS, PERIOD)
    payout = make_payout(PERIOD.start, amount=12_000, returned=2_000)
    (row,) = content.rows([payout], {payout.barber_id: "Anna"})
    assert cells(content, row) == {
        "payout_id": str(payout.id),
        "paid_at": "2027-10-29T22:00:00Z",
        "paid_local": "2027-10-30 00:00",
        "barber_id": str(payout.barber_id),
        "barber": "Anna",
        "amount": Decimal("120.00"),
        "returned": Decimal("20.00"),
        "currency": "EUR",
        "status": "sent",
    }
    assert content.totals() == ["1 payout", "Paid: 120.00 EUR", "Returned: 20.00 EUR"]


def test_empty_payouts_table_has_a_total() -> None:
    assert create_table(Kind.PAYOUTS, PERIOD).totals() == ["0 payouts"]


def test_ledger_table_shows_entries_as_the_barber_sees_them() -> None:
    content, barber_id = create_table(Kind.LEDGER, PERIOD), UUID(int=7)
    received, released = visit_entries(barber_id, at=PERIOD.start)
    paid = payout_created(payout_id=UUID(int=8), barber_id=barber_id, amount=3_000, currency="EUR", at=PERIOD.start)
    rows = [cells(content, row) for row in content.rows([received, released, *paid], {barber_id: "Anna"})]
    assert rows[0] == {
        "entry_id": released.id,
        "at": "2027-10-29T22:00:00Z",
        "local": "2027-10-30 00:00",
        "barber_id": str(barber_id),
        "barber": "Anna",
        "type": "visit released",
        "booking_id": str(released.booking_id),
        "commission": Decimal("6.00"),
        "amount": Decimal("34.00"),
        "currency": "EUR",
    }
    assert [(row["type"], row["amount"], row["booking_id"]) for row in rows[1:]] == [
        ("payout created", Decimal("-30.00"), "")
    ]
    assert content.totals() == ["2 changes", "Sum: 4.00 EUR"]


def test_revenue_includes_add_ons_less_discount() -> None:
    add_ons = [BookedAddOn(UUID(int=9), "Beard", 1500, 10)]
    services = [BookedService(UUID(int=1), "Cut", 4000, 30, add_ons), BookedService(UUID(int=2), "Colour", 1001, 45)]
    start = PERIOD.start + timedelta(hours=9)
    visits = [make_booking(start, services=services), make_booking(start, services=services, price=3250)]
    content = create_table(Kind.REVENUE, PERIOD)
    amounts = {row[2]: row[4] for row in all_rows(content, visits)}
    assert amounts == {"Cut": Decimal("82.50"), "Colour": Decimal("15.01")}
    assert sum(booking.price for booking in visits) == 9751
    assert content.totals() == ["2 completed visits", "Revenue: 97.51 EUR"]


def test_duration_with_add_ons_is_the_visible_duration() -> None:
    add_ons = [BookedAddOn(UUID(int=9), "Beard", 1500, 10)]
    booking = make_booking(PERIOD.start, services=[BookedService(UUID(int=1), "Cut", 4000, 30, add_ons)])
    content = create_table(Kind.BOOKINGS, PERIOD)
    (row,) = content.rows([booking], {})
    assert cells(content, row)["duration_min"] == 40


def test_guest_row_has_no_customer_id() -> None:
    content = create_table(Kind.BOOKINGS, PERIOD)
    (row,) = content.rows([make_booking(PERIOD.start, customer_id=None, guest=Guest("Ana"))], {})
    assert cells(content, row)["customer_id"] == ""


def test_totals_beyond_64_bits_are_exact() -> None:
    content = create_table(Kind.REVENUE, PERIOD)
    visit = make_booking(PERIOD.start, services=[BookedService(UUID(int=1), "Cut", 2**63 + 1, 30)])
    (row,) = all_rows(content, [visit])
    assert (row[4], content.totals()[1]) == (Decimal("92233720368547758.09"), "Revenue: 92,233,720,368,547,758.09 EUR")
