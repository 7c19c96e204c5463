"""`grome ledger`, as typed, on the test's own servers."""

import asyncio
import csv
import io
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from grome.ledger.postings import goodwill_to_barber
from grome.ledger.sealer import Sealer
from tests.builders.ledger import AT, post, visit_entries
from tests.support.commands import run_command
from tests.support.processes import environment

BARBER = UUID(int=7)
_DIRECTIVE = re.compile(
    r"""1970-01-01\ open\ (?P<opened>\S+)|\d{4}-\d\d-\d\d\ \*\ "\w+"\ "(?:[^"\\]|\\.)*"|\ \ [a-z]+:\ "[^"]*"
    |\ \ (?P<account>(?:Assets|Liabilities|Income|Expenses)(?::[A-Z][A-Za-z0-9-]*)+)\ \ (?P<amount>-?\d+(?:\.\d+)?)
    \ (?P<currency>[A-Z]{3})|option\ "title"\ "Grome"|""",
    re.VERBOSE,
)


class GromeLedger:
    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        """Run the command. Returns its exit code and standard output."""
        ended = await asyncio.to_thread(run_command, "ledger", *arguments, env=self._env)
        return ended.returncode, ended.stdout


@pytest.fixture
async def grome_ledger(settings: Settings, empty_ledger: Container, tmp_path: Path) -> GromeLedger:
    """The command, with a sealed visit in two currencies and an entry that is not sealed."""
    await post(empty_ledger, *visit_entries(BARBER), *visit_entries(BARBER, currency="JPY"))
    await empty_ledger.get(Sealer).seal()
    reason = '=1+1 "quoted"'
    goodwill = {"goodwill_id": uuid4(), "barber_id": BARBER, "booking_id": None, "amount": 5}
    await post(empty_ledger, *goodwill_to_barber(**goodwill, currency="EUR", reason=reason, at=AT))
    return GromeLedger(environment(settings, tmp_path, COLUMNS="200", GROME_LOG_LEVEL="WARNING"))


async def test_ledger_verify_exits_with_1_if_an_entry_was_edited(
    grome_ledger: GromeLedger, empty_ledger: Container
) -> None:
    code, out = await grome_ledger("verify")
    assert code == 0, out
    assert "4 sealed entries, 1 not sealed yet, no flaws" in out
    head = out.rpartition("Head ")[2].strip()
    assert (await grome_ledger("verify", "--expect", head))[0] == 0
    await empty_ledger.database.ledger_entries.update_one({"seq": 2}, {"$set": {"memo": "edited"}})
    code, out = await grome_ledger("verify", "--expect", f"4:{'0' * 64}")
    assert code == 1
    assert "edited: " in out
    assert "other_head: " in out


async def test_ledger_balance_prints_accounts_by_currency(grome_ledger: GromeLedger) -> None:
    code, out = await grome_ledger("balance")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert code == 0
    assert ["barber_payable", "-34.05", "-3,400"] in rows
    assert ["sum", "0.00", "0"] in rows
    _, out = await grome_ledger("balance", "--prefix", "barber_payable:")
    assert f"barber_payable:{BARBER}" in out


async def test_ledger_export_as_csv_has_a_row_for_each_line(grome_ledger: GromeLedger, tmp_path: Path) -> None:
    code, _ = await grome_ledger("export", "--output", str(tmp_path / "ledger.csv"))
    assert code == 0
    text = await asyncio.to_thread((tmp_path / "ledger.csv").read_text)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 14
    assert sum(Decimal(row["amount"]) for row in rows) == 0
    assert rows[-1]["memo"] == '\'=1+1 "quoted"'
    assert rows[0]["seq"] == "1"


async def test_ledger_export_for_beancount_is_balanced_and_opens_each_account_once(grome_ledger: GromeLedger) -> None:
    code, out = await grome_ledger("export", "--beancount")
    assert code == 0
    found = [_DIRECTIVE.fullmatch(line) for line in out.splitlines()]
    assert [line for line, match in zip(out.splitlines(), found, strict=True) if match is None] == []
    opened = [match["opened"] for match in found if match and match["opened"]]
    sums: Counter[str] = Counter()
    for match in found:
        if match and match["account"]:
            assert match["account"] in opened
            sums[match["currency"]] += Decimal(match["amount"])  # type: ignore[assignment]
    assert len(opened) == len(set(opened))
    assert dict(sums) == {"EUR": 0, "JPY": 0}
