"""The calculation of a platform's size follows from its figures and assumptions."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale.assumptions import Assumptions, Prices
from benchmarks.scale.estimate import Estimate, bill_of, estimate, limits_of
from benchmarks.scale.measured import (
    CollectionSize,
    IndexSize,
    KeyFamily,
    Measured,
    Sample,
    Throughput,
    VisitCost,
    load_measured,
)
from benchmarks.scale.rates import Rates, read_cell

RATES = Rates(search_us=100, read_us=200, slots_ms=3, frame_us=10, socket_kb=4, worker_mib=80, map_kib=3.5)
ASSUMED = Assumptions()


def size(name: str, *indexes: IndexSize, user: float = 0, barber: float = 0, visit: float = 0) -> CollectionSize:
    return CollectionSize(
        name=name,
        document=1_000,
        stored=400,
        indexes=list(indexes),
        each_user=user,
        each_barber=barber,
        each_visit=visit,
    )


MEASURED = Measured(
    Sample(
        told="",
        visits=100,
        multiplied=20_000,
        collections=[
            size("users", IndexSize("_id_", "_id", 40), user=1, barber=1),
            size("bookings", IndexSize("ticks", "barber_id", 400, is_partial=True), visit=1),
            size("jobs", IndexSize("newest", "state", 60), visit=40),
            size("webhook_deliveries", visit=9),
        ],
        cost=VisitCost(api=100, worker=400, mongod=300, valkey=30),
        oplog=200_000,
        events=10,
        keys=[KeyFamily("rooms", 3, 10_000, 86_400), KeyFamily("jobs of SAQ", 40, 700, 600)],
    ),
    Throughput(told="", events=1_000, relay_s=3, relay_cpu_s=1, jobs=4_000, jobs_s=30, jobs_cpu_s=20),
)


def estimated(users: float, assumed: Assumptions = ASSUMED) -> Estimate:
    return estimate(users, MEASURED, RATES, assumed)


def documents(found: Estimate) -> dict[str, float]:
    return {stock.name: stock.documents for stock in found.stocks}


@given(st.floats(1_000, 1e9), st.floats(1.5, 100))
def test_estimate_of_more_users_grows_in_proportion(users: float, factor: float) -> None:
    small, large = estimated(users), estimated(users * factor)
    for name in ("api", "worker", "relay", "mongod", "valkey"):
        assert getattr(large.cores, name) == pytest.approx(factor * getattr(small.cores, name))
    assert large.disk == pytest.approx(factor * small.disk)
    assert large.peak.events == pytest.approx(factor * small.peak.events)
    assert large.egress_a_month == pytest.approx(factor * small.egress_a_month)
    assert large.shards >= small.shards


def test_numbers_of_documents_follow_from_bookings_and_retention() -> None:
    found = estimated(1_000_000, Assumptions(bookings_a_month=1, visits_of_a_barber=100, years=2))
    assert found.people.barbers == pytest.approx(10_000)
    assert documents(found)["users"] == pytest.approx(1_010_000)
    assert documents(found)["bookings"] == pytest.approx(24_000_000)
    assert documents(found)["jobs"] == pytest.approx(7 * 40 * 12_000_000 / 365.25)


@given(st.floats(1, 20))
def test_more_years_add_only_documents_that_are_kept(years: float) -> None:
    before, after = (documents(estimated(1e6, Assumptions(years=number))) for number in (years, years + 1))
    assert after["bookings"] - before["bookings"] == pytest.approx(12 * 0.8 * 1e6)
    assert {name: after[name] for name in ("users", "jobs", "webhook_deliveries")} == {
        name: before[name] for name in ("users", "jobs", "webhook_deliveries")
    }


def test_index_of_open_visits_has_entries_of_the_days_ahead_only() -> None:
    found = estimated(1e6, Assumptions(days_ahead=10))
    (bookings,) = (stock for stock in found.stocks if stock.name == "bookings")
    assert bookings.indexes == pytest.approx(400 * 10 * found.people.bookings_a_day)


def test_memory_holds_no_more_than_documents_and_indexes() -> None:
    for stock in estimated(1e7).stocks:
        assert 0 < stock.hot <= stock.indexes + stock.documents * 1_000 * (1 + 1e-9), stock.name


def test_platform_at_a_limit_uses_exactly_that_limit() -> None:
    limits = {limit.name: limit.users for limit in limits_of(estimated(5e6), MEASURED, ASSUMED)}
    assert list(limits.values()) == sorted(limits.values())
    assert estimated(limits["the relay, with a core for itself"]).cores.relay == pytest.approx(1)
    assert estimated(limits["one API core"]).cores.api == pytest.approx(1 / ASSUMED.load)
    disk = estimated(limits["one replica set: disk"]).disk
    assert disk == pytest.approx(ASSUMED.mongo_disk_tb * 1e12)


def test_part_that_nobody_uses_is_no_limit() -> None:
    assumed = Assumptions(online=0)
    names = {limit.name for limit in limits_of(estimated(1e6, assumed), MEASURED, assumed)}
    assert "one process of live connections" not in names
    assert "one API core" in names


def test_bill_has_money_only_for_the_prices_that_are_given() -> None:
    bill = bill_of(estimated(1e6), RATES, ASSUMED)
    assert bill.costs(Prices()) == [None] * 4
    priced = bill.costs(Prices(core_month=2, egress_tb=10))
    assert priced == [pytest.approx(2 * bill.cores), None, None, pytest.approx(10 * bill.egress_tb)]


def test_readme_and_measured_file_have_all_figures_of_the_calculation() -> None:
    found = estimate(1e6, load_measured(), Rates.from_readme(), ASSUMED)
    figures = msgspec.structs.astuple(found.cores)
    assert all(figure > 0 for figure in figures)
    assert {"bookings", "audit", "messages", "users", "sessions"} <= documents(found).keys()


def test_cell_is_read_from_the_table_of_the_title_and_a_missing_cell_is_an_error() -> None:
    other = "**Other**\n\n| | b |\n| --- | ---: |\n| row | 1 |\n\n"
    text = f"{other}**Rates**\n\n| | a | b |\n| --- | ---: | ---: |\n| row | 7 | 1,234.5 (1 to 2) |\n"
    assert read_cell(text, "Rates", "row", "b") == 1_234.5
    for title, row, column in (("Rates", "row", "c"), ("Rates", "rows", "b"), ("Rate", "row", "b")):
        with pytest.raises(LookupError, match="has no figure"):
            read_cell(text, title, row, column)
