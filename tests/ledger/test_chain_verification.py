"""Verification finds each way in which stored entries were tampered with."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from bson import Int64

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Collection
from grome.ledger.chain_check import Flaw
from grome.ledger.sealer import Sealer
from grome.ledger.verifier import LedgerVerifier, Verification
from tests.builders.ledger import AT, post, visit_entries


async def verified(container: Container, noted: tuple[int, bytes] | None = None) -> Verification:
    return await container.get(LedgerVerifier).verify(lambda _done, _total: None, noted)


@pytest.fixture
async def sealed(empty_ledger: Container) -> Container:
    """Ten sealed entries."""
    for day in range(5):
        await post(empty_ledger, *visit_entries(uuid4(), at=AT + timedelta(days=day)))
    assert await empty_ledger.get(Sealer).seal() == 10
    return empty_ledger


async def edit_memo(entries: Collection) -> None:
    await entries.update_one({"seq": 4}, {"$set": {"memo": "paid in cash"}})


async def edit_lines(entries: Collection) -> None:
    await entries.update_one({"seq": 4}, {"$inc": {"lines.0.amount": 1, "lines.1.amount": -1}})


async def unbalance(entries: Collection) -> None:
    unchecked = entries.with_options()
    await unchecked.database.command(
        {
            "update": entries.name,
            "updates": [{"q": {"seq": 4}, "u": {"$inc": {"lines.0.amount": 1}}}],
            "bypassDocumentValidation": True,
        }
    )


async def remove_inside(entries: Collection) -> None:
    await entries.delete_many({"seq": {"$in": [4, 5]}})


async def remove_at_the_end(entries: Collection) -> None:
    await entries.delete_one({"seq": 10})


async def remove_and_close_the_gap(entries: Collection) -> None:
    await entries.delete_one({"seq": 10})
    await entries.delete_one({"seq": 5})
    for seq in range(6, 10):
        await entries.update_one({"seq": seq}, {"$set": {"seq": Int64(seq - 1)}})


async def swap(entries: Collection) -> None:
    await entries.update_one({"seq": 4}, {"$set": {"seq": Int64(99)}})
    await entries.update_one({"seq": 5}, {"$set": {"seq": Int64(4)}})
    await entries.update_one({"seq": 99}, {"$set": {"seq": Int64(5)}})


async def insert_behind_the_end(entries: Collection) -> None:
    last = await entries.find_one({"seq": 10})
    assert last
    last |= {"_id": "forged", "external_ref": None, "seq": Int64(11), "prev_hash": last["hash"], "hash": bytes(32)}
    await entries.insert_one(last)


async def unseal(entries: Collection) -> None:
    await entries.update_one({"seq": 10}, {"$unset": {"seq": 1, "hash": 1, "prev_hash": 1}})


async def add_a_field(entries: Collection) -> None:
    await entries.database.command(
        {
            "update": entries.name,
            "updates": [{"q": {"seq": 4}, "u": {"$set": {"zebra": 1}}}],
            "bypassDocumentValidation": True,
        }
    )


async def change_a_total(entries: Collection) -> None:
    await entries.database.ledger_totals.update_one({"name": "stripe"}, {"$inc": {"amount": 1}})


async def test_verification_of_an_untouched_ledger_finds_nothing(sealed: Container) -> None:
    progress: list[tuple[int, int]] = []
    result = await sealed.get(LedgerVerifier).verify(lambda done, total: progress.append((done, total)))
    assert (result.entries, result.unsealed, result.head.seq, result.flaws) == (10, 0, 10, {})
    assert progress[-1] == (10, 10)


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (edit_memo, {Flaw.EDITED: 1}),
        (edit_lines, {Flaw.EDITED: 1, Flaw.WRONG_TOTAL: ...}),
        (unbalance, {Flaw.EDITED: 1, Flaw.UNBALANCED: 1, Flaw.WRONG_TOTAL: ...}),
        (remove_inside, {Flaw.REMOVED: 1, Flaw.WRONG_TOTAL: ...}),
        (remove_at_the_end, {Flaw.REMOVED: 1, Flaw.WRONG_TOTAL: ...}),
        (remove_and_close_the_gap, {Flaw.REPLACED: 1, Flaw.EDITED: ..., Flaw.REMOVED: 1, Flaw.WRONG_TOTAL: ...}),
        (swap, {Flaw.REPLACED: ..., Flaw.EDITED: ...}),
        (insert_behind_the_end, {Flaw.EDITED: 1, Flaw.WRONG_TOTAL: ...}),
        (unseal, {Flaw.REMOVED: 1, Flaw.WRONG_TOTAL: ...}),
        (add_a_field, {Flaw.EDITED: 1}),
        (change_a_total, {Flaw.WRONG_TOTAL: 1}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_verification_after_tampering_finds_it(
    sealed: Container, tamper: Callable[[Collection], Awaitable[None]], found: dict[Flaw, object]
) -> None:
    await tamper(sealed.database.ledger_entries)
    result = await verified(sealed)
    assert set(result.flaws) == set(found)
    assert all(count in {..., result.flaws[flaw]} for flaw, count in found.items())
    assert len(result.findings) == sum(result.flaws.values())


async def test_verification_with_a_noted_seal_finds_a_chain_that_was_made_anew(sealed: Container) -> None:
    head = (await verified(sealed)).head
    assert (await verified(sealed, (head.seq, head.hash))).flaws == {}
    await sealed.database.ledger_totals.delete_many({})
    await sealed.database.ledger_entries.update_one({"seq": 2}, {"$set": {"memo": "edited"}})
    await sealed.database.ledger_entries.update_many({}, {"$unset": {"seq": 1, "hash": 1, "prev_hash": 1}})
    await sealed.get(Sealer).seal()
    assert (await verified(sealed)).flaws == {}
    assert (await verified(sealed, (head.seq, head.hash))).flaws == {Flaw.OTHER_HEAD: 1}
    assert (await verified(sealed, (11, head.hash))).flaws == {Flaw.OTHER_HEAD: 1}
