"""Record every event once in the chain of the audit trail, despite repeated and concurrent deliveries."""

import asyncio
import random
from datetime import timedelta

from grome.audit.address_keys import AddressKeys
from grome.audit.chain import AuditChain
from grome.audit.heads import AuditHeads
from grome.audit.repository import AuditRepository
from grome.audit.service import AuditTrail
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.person_keys.service import PersonKeys
from grome.infrastructure.secret_keys import Macs, SecretKeys
from grome.payments.queries import PaymentQueries
from tests.builders.audit import account_event, record_events, verify
from tests.conftest import AdjustableClock

OLD_FIELDS = {"type", "subject_id", "version", "people", "actor_id", "at"}


def another_process(container: Container) -> AuditTrail:
    """A trail with an end of the chain of its own in memory."""
    macs = Macs(container.get(SecretKeys).derive("audit records"))
    chain = AuditChain(AuditRepository(container.database), macs)
    keys, address_keys = container.get(PersonKeys), container.get(AddressKeys)
    return AuditTrail(chain, container.get(PaymentQueries), keys, address_keys, lambda _: "DE", container.clock)


async def test_trail_with_concurrent_writers_records_each_event_once_without_a_gap(empty_trail: Container) -> None:
    events = [account_event(empty_trail, new_id()) for _ in range(60)]
    writers = [another_process(empty_trail) for _ in range(3)]
    order = random.Random(7)  # noqa: S311 -- repeatable

    async def write(writer: AuditTrail) -> None:
        start = order.randrange(20)
        for first in range(start, 60, 10):  # every writer delivers most events, in batches that overlap
            await writer.handle(events[max(0, first - 5) : first + 10])
        await writer.handle(events)

    await asyncio.gather(*[write(writer) for writer in writers])
    records = await empty_trail.database.audit.find({}, {"seq": 1}).sort("seq", 1).to_list()
    assert [record["seq"] for record in records] == list(range(1, 61))
    assert {record["_id"] for record in records} == {event.id for event in events}
    result = await verify(empty_trail)
    assert (result.records, result.flaws, result.earlier) == (60, 0, 0)


async def test_trail_after_another_process_extended_it_continues_at_the_end(empty_trail: Container) -> None:
    first, second = another_process(empty_trail), another_process(empty_trail)
    for writer in (first, second, first, second):
        await writer.handle([account_event(empty_trail, new_id())])
    result = await verify(empty_trail)
    assert (result.end.seq, result.flaws) == (4, 0)


async def test_records_of_old_processes_are_accepted_in_the_first_two_days_only(
    empty_trail: Container, clock: AdjustableClock
) -> None:
    heads, records = empty_trail.get(AuditHeads), empty_trail.database.audit

    async def write_as_old_process() -> None:
        record = await records.find_one({"seq": 1})
        assert record
        await records.insert_one({"_id": new_id(), **{name: record[name] for name in record if name in OLD_FIELDS}})

    await record_events(empty_trail, 1)
    flaws = []
    for day in range(3):
        clock.shift += timedelta(days=min(day, 1))
        await write_as_old_process()
        await heads.sign()
        await write_as_old_process()  # after the first head of the day
        flaws.append((await verify(empty_trail)).flaws)
        await heads.sign()
        flaws.append((await verify(empty_trail)).flaws)
    assert flaws == [1, 0, 1, 0, 1, 1]


async def test_head_of_each_day_continues_the_head_before_it(empty_trail: Container, clock: AdjustableClock) -> None:
    heads = empty_trail.get(AuditHeads)
    await record_events(empty_trail, 3)
    await heads.sign()
    await record_events(empty_trail, 2)
    first = await heads.sign()  # in place of the earlier head of the day
    clock.shift += timedelta(days=1)
    await record_events(empty_trail, 1)
    second = await heads.sign()
    assert [(first.number, first.seq), (second.number, second.seq)] == [(1, 5), (2, 6)]
    result = await verify(empty_trail)
    assert (result.records, result.unsigned, result.flaws) == (6, 0, 0)
    assert (await verify(empty_trail, day=second.day)).records == 1
