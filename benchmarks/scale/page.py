"""Tables of estimates, for the terminal and for docs/scale.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.report import Table
from benchmarks.scale.assumptions import Assumptions, Prices
from benchmarks.scale.estimate import Estimate, bill_of, limits_of
from benchmarks.scale.measured import Measured
from benchmarks.scale.rates import Rates
from grome.infrastructure.http.field_texts import field_texts

PAGE: Final = Path(__file__).parents[2] / "docs" / "scale.md"
_STOCKS_SHOWN: Final = 12
_GB: Final = 1e9
Estimates = Sequence[Estimate]


def assumptions_table(given: Assumptions) -> Table:
    texts = field_texts(Assumptions)
    rows = [[texts[name], f"{getattr(given, name):,g}", f"`{option(name)}`"] for name in given.__struct_fields__]
    return Table("Assumptions", ["", "value", "option"], rows)


def tables(found: Estimates, measured: Measured, rates: Rates, given: Assumptions, prices: Prices) -> list[Table]:
    return [
        _flow_table(found),
        _stocks_table(found),
        _machines_table(found),
        _limits_table(found[-1], measured, given),
        _bill_table(found, rates, given, prices),
    ]


def option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _columns(found: Estimates) -> list[str]:
    return ["", *(f"{each.people.users:,.0f} users" for each in found)]


def _flow_table(found: Estimates) -> Table:
    names = {
        "bookings": "bookings",
        "searches": "searches on the map",
        "slot_lists": "lists of free times",
        "reads": "other reads",
        "events": "events of the relay",
        "jobs": "jobs",
        "webhooks": "webhooks, if one endpoint gets all",
        "positions": "positions of barbers",
        "frames": "frames to sockets",
    }
    rows = [
        [text, *(f"{getattr(each.average, name):,.1f} / {getattr(each.peak, name):,.1f}" for each in found)]
        for name, text in names.items()
    ]
    rows.append(["oplog, MB", *(f"{each.average.oplog / 1e6:,.2f} / {each.peak.oplog / 1e6:,.1f}" for each in found)])
    return Table("A second, average / peak", _columns(found), rows)


def _stocks_table(found: Estimates) -> Table:
    largest = found[-1].stocks
    rows = [
        [
            stock.name,
            f"{stock.documents / 1e6:,.1f}",
            f"{stock.a_year / 1e6:,.1f}",
            f"{stock.stored / _GB:,.1f}",
            f"{stock.indexes / _GB:,.1f}",
            f"{stock.hot / _GB:,.1f}",
        ]
        for stock in largest[:_STOCKS_SHOWN]
    ]
    rest = largest[_STOCKS_SHOWN:]
    others = [
        sum(getattr(stock, name) for stock in rest) for name in ("documents", "a_year", "stored", "indexes", "hot")
    ]
    scales = (1e6, 1e6, _GB, _GB, _GB)
    rows.append(["all others", *(f"{value / scale:,.1f}" for value, scale in zip(others, scales, strict=True))])
    columns = ["", "million documents", "million a year", "GB on disk", "GB of indexes", "GB in memory"]
    return Table(f"Collections of {found[-1].people.users:,.0f} users, one copy", columns, rows)


def _machines_table(found: Estimates) -> Table:
    rows = [
        ["barbers", *(f"{each.people.barbers:,.0f}" for each in found)],
        ["bookings a day", *(f"{each.people.bookings_a_day:,.0f}" for each in found)],
        ["cores for API requests", *(f"{each.cores.api:,.1f}" for each in found)],
        ["cores for jobs", *(f"{each.cores.worker:,.1f}" for each in found)],
        ["share of one core for the relay", *(f"{each.cores.relay:.1%}" for each in found)],
        ["cores of primaries of MongoDB", *(f"{each.cores.mongod:,.1f}" for each in found)],
        ["cores of Valkey", *(f"{each.cores.valkey:,.2f}" for each in found)],
        ["sockets at the peak", *(f"{each.sockets:,.0f}" for each in found)],
        ["processes for sockets", *(f"{each.live_processes:,}" for each in found)],
        ["MB of an API worker", *(f"{each.worker_mib * 1.048576:,.0f}" for each in found)],
        ["GB on disk, one copy", *(f"{each.disk / _GB:,.0f}" for each in found)],
        ["GB in memory, one copy", *(f"{each.working_set / _GB:,.0f}" for each in found)],
        ["GB of Valkey", *(f"{each.valkey_bytes / _GB:,.1f}" for each in found)],
        ["shards of MongoDB", *(f"{each.shards:,}" for each in found)],
        ["nodes of Valkey", *(f"{each.valkey_nodes:,}" for each in found)],
    ]
    return Table("Machines, at the assumed load", _columns(found), rows)


def _limits_table(found: Estimate, measured: Measured, given: Assumptions) -> Table:
    rows = [[limit.name, f"{limit.users / 1e6:,.1f}"] for limit in limits_of(found, measured, given)]
    return Table("Limits, the first that is reached first", ["", "million users"], rows)


def _bill_table(found: Estimates, rates: Rates, given: Assumptions, prices: Prices) -> Table:
    names = ["core-months", "GB-months of memory", "TB-months of disk", "TB that leave the network"]
    bills = [bill_of(each, rates, given) for each in found]
    amounts = [(bill.cores, bill.memory_gb, bill.disk_tb, bill.egress_tb) for bill in bills]
    costs = [bill.costs(prices) for bill in bills]
    rows = [
        [name, *(_amount(amount[row], cost[row]) for amount, cost in zip(amounts, costs, strict=True))]
        for row, name in enumerate(names)
    ]
    rows.append(["money a month", *(_total(cost) for cost in costs)])
    return Table("Each month", _columns(found), rows)


def _amount(amount: float, cost: float | None) -> str:
    told = f"{amount:,.1f}" if amount < 100 else f"{amount:,.0f}"
    return told if cost is None else f"{told} for {cost:,.0f}"


def _total(costs: Sequence[float | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    return f"{sum(known):,.0f}" if len(known) == len(costs) else "needs all four prices"
