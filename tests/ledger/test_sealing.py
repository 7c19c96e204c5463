"""Sealing posted entries, and the totals that sealing keeps."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from grome.common.clock import system_clock
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.transactions import Transactions
from grome.ledger.chain_check import Flaw
from grome.ledger.models import COMMISSION, STRIPE, barber_payable
from grome.ledger.repository import LedgerRepository
from grome.ledger.sealer import Sealer
from grome.ledger.service import Ledger
from grome.ledger.verifier import LedgerVerifier
from tests.builders.ledger import AT, post, visit_entries


async def flaws(container: Container) -> dict[Flaw, int]:
    return dict((await container.get(LedgerVerifier).verify(lambda _done, _total: None)).flaws)


def new_sealer(container: Container) -> Sealer:
    """Build a sealer as another process has it, which takes no turns with the container's."""
    transactions = Transactions(container.database.client, container.settings.mongo.timeout_ms)
    return Sealer(LedgerRepository(container.database), transactions, container.clock)


async def seqs(container: Container) -> list[int]:
    found = container.database.ledger_entries.find({}, {"seq": 1}).sort("seq", 1)
    return [document.get("seq") async for document in found]


async def test_seal_numbers_entries_by_their_time_without_gaps(empty_ledger: Container) -> None:
    for days in (3, 1, 2):
        await post(empty_ledger, *visit_entries(uuid4(), at=AT + timedelta(days=days)))
    assert await empty_ledger.get(Sealer).seal() == 6
    assert await empty_ledger.get(Sealer).seal() == 0
    found = await empty_ledger.database.ledger_entries.find({}).sort("seq", 1).to_list()
    assert [document["seq"] for document in found] == [1, 2, 3, 4, 5, 6]
    assert [document["at"] for document in found] == sorted(document["at"] for document in found)
    assert [document["prev_hash"] for document in found[1:]] == [document["hash"] for document in found[:-1]]
    assert await flaws(empty_ledger) == {}


async def test_seal_of_entries_younger_than_seconds_waits(empty_ledger: Container) -> None:
    await post(empty_ledger, *visit_entries(uuid4(), at=system_clock() + timedelta(hours=1)))
    assert await empty_ledger.get(Sealer).seal() == 0


async def test_balances_before_and_after_sealing_are_equal(empty_ledger: Container) -> None:
    ledger, barbers = empty_ledger.get(Ledger), [uuid4(), uuid4()]

    async def balances() -> list[Any]:
        found = [await ledger.balance(name, "EUR") for name in (STRIPE, COMMISSION, *map(barber_payable, barbers))]
        return [
            *found,
            await ledger.balances(),
            await ledger.balances("barber_payable:"),
            await ledger.balances("held:"),
        ]

    for barber_id in barbers:
        await post(empty_ledger, *visit_entries(barber_id), *visit_entries(barber_id, currency="USD")[:1])
    before = await balances()
    assert before[:4] == [7820, -1200, -3400, -3400]
    assert sum(one.amount for one in before[4]) == 0
    await empty_ledger.get(Sealer).seal()
    assert await balances() == before
    await post(empty_ledger, *visit_entries(barbers[0]))
    assert (await balances())[:4] == [11730, -1800, -6800, -3400]
    await empty_ledger.get(Sealer).seal()
    assert (await balances())[:4] == [11730, -1800, -6800, -3400]


async def test_two_sealers_at_once_make_one_chain(empty_ledger: Container) -> None:
    entries = [entry for _ in range(700) for entry in visit_entries(uuid4())]
    await post(empty_ledger, *entries)
    sealed = await asyncio.gather(*(new_sealer(empty_ledger).seal() for _ in range(3)))
    assert sum(sealed) == 1400
    assert await seqs(empty_ledger) == list(range(1, 1401))
    assert await flaws(empty_ledger) == {}


async def test_seal_that_was_cut_off_in_its_transaction_is_repeated_by_the_next(
    empty_ledger: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill comes after the seals and before the totals."""
    await post(empty_ledger, *visit_entries(uuid4()), *visit_entries(uuid4()))
    killed = new_sealer(empty_ledger)

    async def kill(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(LedgerRepository, "add_to_totals", kill)
        with pytest.raises(asyncio.CancelledError):
            await killed.seal()
    assert await seqs(empty_ledger) == [None] * 4
    assert await new_sealer(empty_ledger).seal() == 4
    assert await flaws(empty_ledger) == {}


async def test_posting_while_sealers_run_loses_no_entry(empty_ledger: Container) -> None:
    barber_id = uuid4()

    async def post_some() -> None:
        for _ in range(15):
            await post(empty_ledger, *visit_entries(barber_id))

    async def seal_some() -> None:
        for _ in range(10):
            await new_sealer(empty_ledger).seal()

    await asyncio.gather(post_some(), seal_some(), post_some(), seal_some())
    await empty_ledger.get(Sealer).seal()
    assert await empty_ledger.get(Ledger).balance(barber_payable(barber_id), "EUR") == -3400 * 30
    assert await seqs(empty_ledger) == list(range(1, 61))
    assert await flaws(empty_ledger) == {}
