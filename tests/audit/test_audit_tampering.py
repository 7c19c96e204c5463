"""Verification finds each way in which stored records and heads were tampered with."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import Int64, decode, encode
from bson.codec_options import CodecOptions

from grome.audit.chain_check import Flaw
from grome.audit.heads import AuditHeads, BrokenChainError
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal, join_seal, next_seal, split_seal
from tests.builders.audit import record_events, verify
from tests.conftest import AdjustableClock

_DAY = timedelta(days=1)
_UUIDS: CodecOptions[Document] = CodecOptions(uuid_representation=4, tz_aware=True)


class Intruder:
    """Writes to the database past Grome: all collections, without validators, but without Grome's keys."""

    def __init__(self, container: Container) -> None:
        self._database = container.database
        self.records, self.heads = container.database.audit, container.database.audit_heads

    async def update(self, seq: int, /, **fields: Any) -> None:
        change = {"q": {"seq": seq}, "u": {"$set": fields}}
        await self._database.command({"update": "audit", "updates": [change], "bypassDocumentValidation": True})

    async def insert(self, document: Document) -> None:
        await self.records.insert_one(document, bypass_document_validation=True)

    async def recompute(self, start: int, edit: Callable[[Document], None]) -> None:
        """Edit a record and give it and all later records valid hashes."""
        raw = [encode(one, codec_options=_UUIDS) async for one in self.records.find().sort("seq", 1)]
        last = GENESIS
        for document in raw:
            split = split_seal(document)
            assert split
            content = split[0]
            if split[1].seq == start:
                fields = decode(_wrapped(content), _UUIDS)
                edit(fields)
                content = encode(fields, codec_options=_UUIDS)[4:-1]
            last = next_seal(last, content)
            await self.records.replace_one({"seq": last.seq}, _sealed(content, last), bypass_document_validation=True)

    async def forge_at_the_end(self) -> None:
        """Append a record with a right number and hash."""
        newest = await self.records.find_one({}, sort=[("seq", -1)])
        assert newest
        last = Seal(newest.pop("seq"), newest.pop("prev_hash"), newest.pop("hash"))
        content = encode(newest | {"_id": new_id()}, codec_options=_UUIDS)[4:-1]
        await self.insert(_sealed(content, next_seal(last, content)))


def _wrapped(content: bytes) -> bytes:
    return (len(content) + 5).to_bytes(4, "little") + content + b"\x00"


def _sealed(content: bytes, seal: Seal) -> Document:
    return decode(join_seal(content, seal), _UUIDS)


@pytest.fixture
async def trail(empty_trail: Container, clock: AdjustableClock) -> Container:
    """Four records of a day, four of the next day, each day with a head, and the unsigned record 9."""
    await record_events(empty_trail, 4)
    await empty_trail.get(AuditHeads).sign()
    clock.shift += _DAY
    await record_events(empty_trail, 4)
    await empty_trail.get(AuditHeads).sign()
    await record_events(empty_trail, 1)
    return empty_trail


async def edit(intruder: Intruder) -> None:
    await intruder.update(3, reason="another reason")


async def edit_an_unsigned_record(intruder: Intruder) -> None:
    await intruder.update(9, version=2)


async def edit_a_sealed_value(intruder: Intruder) -> None:
    await intruder.update(3, **{"sealed.0.values": b"0" * 60})


async def add_a_field(intruder: Intruder) -> None:
    await intruder.update(3, zebra=1)


async def give_another_id(intruder: Intruder) -> None:
    record = await intruder.records.find_one_and_delete({"seq": 3})
    assert record
    await intruder.insert(record | {"_id": new_id()})


async def remove(intruder: Intruder) -> None:
    await intruder.records.delete_one({"seq": 3})


async def remove_all_records_of_a_day(intruder: Intruder) -> None:
    await intruder.records.delete_many({"seq": {"$lte": 4}})
    await intruder.heads.delete_one({"number": 1})


async def cut_the_end(intruder: Intruder) -> None:
    await intruder.records.delete_many({"seq": {"$gte": 8}})


async def remove_and_close_the_gap(intruder: Intruder) -> None:
    await intruder.records.delete_one({"seq": 3})
    for seq in range(4, 10):
        await intruder.update(seq, seq=Int64(seq - 1))


async def swap(intruder: Intruder) -> None:
    for seq, new in ((3, 99), (4, 3), (99, 4)):
        await intruder.update(seq, seq=Int64(new))


async def insert_between(intruder: Intruder) -> None:
    for seq in range(9, 3, -1):
        await intruder.update(seq, seq=Int64(seq + 1))
    record = await intruder.records.find_one({"seq": 3})
    assert record
    await intruder.insert(record | {"_id": new_id(), "seq": Int64(4)})


async def insert_between_two_numbers(intruder: Intruder) -> None:
    record = await intruder.records.find_one({"seq": 3})
    assert record
    await intruder.insert(record | {"_id": new_id(), "seq": 3.5})


async def forge_at_the_end(intruder: Intruder) -> None:
    await intruder.forge_at_the_end()


async def insert_outside_the_chain(intruder: Intruder) -> None:
    record = await intruder.records.find_one({"seq": 3})
    assert record
    del record["seq"]
    await intruder.insert(record | {"_id": new_id()})


async def insert_under_number_zero(intruder: Intruder) -> None:
    record = await intruder.records.find_one({"seq": 3})
    assert record
    await intruder.insert(record | {"_id": new_id(), "seq": Int64(0)})


async def recompute_signed_records(intruder: Intruder) -> None:
    await intruder.recompute(3, lambda fields: fields.update(version=7))


async def recompute_unsigned_records(intruder: Intruder) -> None:
    await intruder.recompute(9, lambda fields: fields.update(version=7))


async def recompute_and_move_the_heads(intruder: Intruder) -> None:
    await intruder.recompute(3, lambda fields: fields.update(version=7))
    for head in await intruder.heads.find().to_list():
        record = await intruder.records.find_one({"seq": head["seq"]})
        assert record
        await intruder.heads.update_one({"_id": head["_id"]}, {"$set": {"hash": record["hash"]}})


async def move_a_head_back(intruder: Intruder) -> None:
    await cut_the_end(intruder)
    record = await intruder.records.find_one({"seq": 7})
    assert record
    await intruder.heads.update_one({"number": 2}, {"$set": {"seq": 7, "hash": record["hash"]}})


async def remove_a_head(intruder: Intruder) -> None:
    await intruder.heads.delete_one({"number": 1})


@pytest.mark.parametrize(
    ("tamper", "first"),
    [
        (edit, (Flaw.EDITED, "record 3 ")),
        (edit_an_unsigned_record, (Flaw.EDITED, "record 9 ")),
        (edit_a_sealed_value, (Flaw.EDITED, "record 3 ")),
        (add_a_field, (Flaw.EDITED, "record 3 ")),
        (give_another_id, (Flaw.EDITED, "record 3 ")),
        (remove, (Flaw.REMOVED, "records 3 to 3 ")),
        (remove_all_records_of_a_day, (Flaw.REMOVED, "records 1 to 4 ")),
        (cut_the_end, (Flaw.REMOVED, "records 8 to 8 ")),
        (remove_and_close_the_gap, (Flaw.REPLACED, "record 3 ")),
        (swap, (Flaw.REPLACED, "record 3 ")),
        (insert_between, (Flaw.REPLACED, "record 4 ")),
        (insert_between_two_numbers, (Flaw.EDITED, "record 3.5 ")),
        (forge_at_the_end, (Flaw.FORGED, "record 10 ")),
        (insert_outside_the_chain, (Flaw.OUTSIDE, "1 records ")),
        (insert_under_number_zero, (Flaw.OUTSIDE, "1 records ")),
        (recompute_signed_records, (Flaw.OTHER_HEAD, "the hash of record 4 ")),
        (recompute_unsigned_records, (Flaw.FORGED, "record 9 ")),
        (recompute_and_move_the_heads, (Flaw.FORGED, "record 9 ")),
        (move_a_head_back, (Flaw.EDITED_HEAD, "the head of ")),
        (remove_a_head, (Flaw.REMOVED_HEAD, "1 heads ")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_verification_after_tampering_names_the_first_broken_record(
    trail: Container, tamper: Callable[[Intruder], Awaitable[None]], first: tuple[Flaw, str]
) -> None:
    assert (await verify(trail)).flaws == 0
    await tamper(Intruder(trail))
    result = await verify(trail)
    assert result.flaws == len(result.findings)
    found = result.findings[0]
    assert (found.flaw, found.detail.startswith(first[1])) == (first[0], True), result.findings


@pytest.mark.parametrize(
    "tamper", [forge_at_the_end, recompute_unsigned_records, cut_the_end, recompute_signed_records]
)
async def test_head_is_not_signed_over_records_that_do_not_continue_the_last_head(
    trail: Container, tamper: Callable[[Intruder], Awaitable[None]]
) -> None:
    await tamper(Intruder(trail))
    with pytest.raises(BrokenChainError):
        await trail.get(AuditHeads).sign()


async def test_verification_of_a_day_finds_flaws_of_this_day_only(trail: Container) -> None:
    first, second = [head["_id"] async for head in trail.database.audit_heads.find().sort("number", 1)]
    await remove(Intruder(trail))
    assert (await verify(trail, day=first)).flaws == 1
    result = await verify(trail, day=second)
    assert (result.records, result.flaws) == (4, 0)


async def test_verification_with_a_noted_end_finds_a_trail_that_was_cut_with_its_head(trail: Container) -> None:
    end = (await verify(trail)).end
    intruder = Intruder(trail)
    await intruder.records.delete_many({"seq": {"$gt": 4}})
    await intruder.heads.delete_one({"number": 2})
    assert (await verify(trail)).flaws == 0
    assert [one.flaw for one in (await verify(trail, noted=(end.seq, end.hash))).findings] == [Flaw.REMOVED]
