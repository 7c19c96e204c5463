"""`grome ledger verify | balance | export`: check the ledger, and print it."""

import asyncio
import sys
from typing import Final, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.cli.seal_option import SEAL
from grome.common.money import decimal_of
from grome.ledger.chain_check import Finding
from grome.ledger.export import LedgerExport
from grome.ledger.service import Ledger
from grome.ledger.verifier import LedgerVerifier, Verification

_EXIT_FLAWED: Final = 1

console = Console(highlight=False)


@click.group()
def ledger() -> None:
    """Verify, print and export the ledger."""


@ledger.command()
@click.option("--expect", type=SEAL, help="The head of the chain as an earlier verification printed it.")
def verify(expect: tuple[int, bytes] | None) -> None:
    """Recompute the chain, the sums and the totals; exit code 1 if an entry was edited, removed or inserted."""
    sys.exit(asyncio.run(_verify(expect)))


@ledger.command()
@click.option("--prefix", default="", help="Accounts with such names, e.g. `barber_payable:`. [default: kinds]")
def balance(prefix: str) -> None:
    """Print the balances of accounts; debits are positive. Without --prefix, a row for each kind of account."""
    asyncio.run(_balance(prefix))


@ledger.command()
@click.option("--beancount", "as_beancount", is_flag=True, help="In the language of Beancount instead of CSV.")
@click.option("--output", "-o", type=click.File("w", encoding="utf-8"), default="-", help="[default: stdout]")
def export(output: TextIO, *, as_beancount: bool) -> None:
    """Write all entries as CSV, a row for each line."""
    asyncio.run(_export(output, as_beancount=as_beancount))


async def _verify(noted: tuple[int, bytes] | None) -> int:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("Entries verified", total=None)
        async with opened_container(load_connected_settings()) as container:
            result = await container.get(LedgerVerifier).verify(
                lambda done, total: bars.update(bar, completed=done, total=total), noted
            )
    for finding in result.findings:
        console.print(_sentence(finding), soft_wrap=True)
    console.print(_summary(result), soft_wrap=True)
    return _EXIT_FLAWED if result.flaws else 0


def _sentence(finding: Finding) -> Text:
    return Text(f"{finding.flaw.value}: {finding.detail}")  # an id may hold text that Rich reads as markup


def _summary(result: Verification) -> Text:
    count = sum(result.flaws.values())
    found = f"{count} flaws" if count else "no flaws"
    head = f"{result.head.seq}:{result.head.hash.hex()}"
    return Text(f"{result.entries} sealed entries, {result.unsealed} not sealed yet, {found}. Head {head}")


async def _balance(prefix: str) -> None:
    async with opened_container(load_connected_settings()) as container:
        balances = await container.get(Ledger).balances(prefix)
    currencies = sorted({one.currency for one in balances})
    amounts = {(one.account, one.currency): one.amount for one in balances}
    table = Table("account", title="Balances; debits are positive")
    for currency in currencies:
        table.add_column(currency, justify="right")
    for account in sorted({one.account for one in balances}):
        table.add_row(Text(account), *(_cell(amounts.get((account, code)), code) for code in currencies))
    sums = {code: sum(one.amount for one in balances if one.currency == code) for code in currencies}
    table.add_section()
    table.add_row("sum", *(_cell(sums[code], code) for code in currencies))
    console.print(table)


def _cell(amount: int | None, currency: str) -> str:
    return "" if amount is None else f"{decimal_of(amount, currency):,f}"


async def _export(output: TextIO, *, as_beancount: bool) -> None:
    async with opened_container(load_connected_settings()) as container:
        exported = container.get(LedgerExport)
        async for part in exported.beancount_parts() if as_beancount else exported.csv_parts():
            output.write(part)
