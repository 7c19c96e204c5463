"""Posting to the ledger, and the conditions that the database holds by itself."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from bson import Int64
from pymongo.errors import DuplicateKeyError, WriteError

from grome.infrastructure.container import Container
from grome.ledger.errors import LedgerConflictError
from grome.ledger.models import COMMISSION, STRIPE, Entry, Line, barber_payable, held
from grome.ledger.service import Ledger
from tests.builders.ledger import AT, post, visit_entries


def raw_entry(*amounts: Any, **changed: Any) -> dict[str, Any]:
    """Build a document with one line for each amount."""
    lines = [{"account": f"test:{number}", "amount": amount} for number, amount in enumerate(amounts)]
    return {"_id": f"test:{uuid4()}", "kind": "bank_payout", "at": AT, "currency": "EUR", "lines": lines, **changed}


async def test_database_takes_a_balanced_entry_by_raw_insert(container: Container) -> None:
    entry = raw_entry(5, -3, Int64(-2))
    await container.database.ledger_entries.insert_one(entry)
    assert await container.database.ledger_entries.count_documents({"_id": entry["_id"]}) == 1


@pytest.mark.parametrize(
    "document",
    [
        raw_entry(5, -4),
        raw_entry(2**53, 1, -(2**53)),
        raw_entry(0.1, -0.1),
        raw_entry(0),
        raw_entry(),
        raw_entry(*[1, -1] * 7),
        raw_entry(5, "-5"),
        raw_entry(5, -5, lines=[{"account": "a", "amount": 5}, {"account": "b"}]),
        raw_entry(5, -5, lines={"amount": 0}),
        raw_entry(5, -5, currency=None),
        raw_entry(5, -5, extra=1),
        {"_id": "test:without_lines", "kind": "bank_payout", "at": AT, "currency": "EUR"},
    ],
)
async def test_database_refuses_an_entry_that_does_not_balance_or_has_another_shape(
    container: Container, document: dict[str, Any]
) -> None:
    with pytest.raises(WriteError, match="Document failed validation"):
        await container.database.ledger_entries.insert_one(document)


@pytest.mark.parametrize("field", ["external_ref", "seq"])
async def test_database_refuses_a_second_entry_with_the_same_reference(container: Container, field: str) -> None:
    value = f"txn_{uuid4()}" if field == "external_ref" else Int64(uuid4().int >> 66)
    entries = container.database.ledger_entries
    await entries.insert_one(raw_entry(1, -1, **{field: value}))
    with pytest.raises(DuplicateKeyError):
        await entries.insert_one(raw_entry(1, -1, **{field: value}))
    await entries.delete_one({field: value})


async def test_balance_after_a_paid_visit_is_split_between_barber_and_platform(container: Container) -> None:
    ledger, barber_id, booking_id = container.get(Ledger), uuid4(), uuid4()
    before = {account: await ledger.balance(account, "EUR") for account in (STRIPE, COMMISSION)}
    await post(container, *visit_entries(barber_id, booking_id=booking_id))
    assert await ledger.balance(STRIPE, "EUR") == before[STRIPE] + 3910
    assert await ledger.balance(COMMISSION, "EUR") == before[COMMISSION] - 600
    assert await ledger.balance(held(booking_id), "EUR") == 0
    assert await ledger.balance(barber_payable(barber_id), "EUR") == -3400
    assert await ledger.balance(barber_payable(barber_id), "USD") == 0
    assert [(one.currency, one.amount) for one in await ledger.balances(barber_payable(barber_id))] == [("EUR", -3400)]


async def test_posting_an_equal_entry_again_changes_nothing(container: Container) -> None:
    barber_id, ledger = uuid4(), container.get(Ledger)
    entries = visit_entries(barber_id)
    later = [msgspec.structs.replace(entry, at=AT.replace(day=3)) for entry in entries]
    await post(container, *entries, *entries)
    await post(container, *later)
    assert await ledger.balance(barber_payable(barber_id), "EUR") == -3400


@pytest.mark.parametrize("change", ["lines", "currency", "external_ref", "barber_id"])
async def test_posting_an_entry_with_other_content_under_the_same_id_raises(container: Container, change: str) -> None:
    paid, *_ = visit_entries(uuid4())
    await post(container, paid)
    other = {
        "lines": [Line(STRIPE, 1), Line(COMMISSION, -1)],
        "currency": "USD",
        "external_ref": f"txn_{uuid4()}",
        "barber_id": uuid4(),
    }[change]
    with pytest.raises(LedgerConflictError):
        await post(container, msgspec.structs.replace(paid, **{change: other}))


async def test_posting_a_balance_transaction_under_another_id_raises(container: Container) -> None:
    paid, *_ = visit_entries(uuid4())
    await post(container, paid)
    with pytest.raises(LedgerConflictError):
        await post(container, msgspec.structs.replace(paid, id=f"{paid.id}:again"))


async def test_posting_the_same_entries_at_once_books_them_once(container: Container) -> None:
    barber_id = uuid4()
    entries = visit_entries(barber_id)
    await asyncio.gather(*(post(container, *entries) for _ in range(8)))
    assert await container.get(Ledger).balance(barber_payable(barber_id), "EUR") == -3400


async def test_posting_other_entries_at_once_books_all_of_them(container: Container) -> None:
    barber_id = uuid4()
    await asyncio.gather(*(post(container, *visit_entries(barber_id)) for _ in range(20)))
    assert await container.get(Ledger).balance(barber_payable(barber_id), "EUR") == -3400 * 20


async def test_collected_of_a_payment_reads_its_entries_back(container: Container) -> None:
    entries: tuple[Entry, ...] = visit_entries(uuid4())
    await post(container, *entries)
    payment_id = entries[0].payment_id
    assert payment_id is not None
    state = await container.get(Ledger).collected(payment_id)
    assert (state.received, state.released, state.commission, state.held) == (4000, 4000, 600, 0)
