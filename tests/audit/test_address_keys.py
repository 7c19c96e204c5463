"""Addresses in the audit trail are erased after a time, and the chain stays as it is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from config.settings import Settings
from grome.audit.address_keys import AddressKeys
from grome.audit.chain import AuditChain
from grome.audit.heads import AuditHeads
from grome.audit.jobs import destroy_address_keys, renew_audit_keys
from grome.audit.models import AuditRecord, PersonalValues, RecordedOrigin, SealedValues
from grome.audit.queries import AuditQueries
from grome.audit.repository import AuditRepository
from grome.audit.schemas import AuditQuery, RecordOut
from grome.audit.service import AuditTrail
from grome.common.ids import new_id
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.person_keys.service import PersonKeys
from grome.infrastructure.secret_keys import Macs, SecretKeys
from tests.builders.audit import ADDRESS, account_event, verify
from tests.builders.keys import new_secrets_key
from tests.conftest import AdjustableClock

JANUARY = datetime(2025, 1, 15, tzinfo=UTC)
_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def in_january(clock: AdjustableClock) -> Iterator[None]:
    """Long ago, so that no test destroys the key of the month in which the other tests run."""
    shift = clock.shift
    clock.set(JANUARY)
    yield
    clock.shift = shift


async def record_of(container: Container, person: UUID) -> RecordOut:
    (record,) = (await container.get(AuditQueries).page(AuditQuery(subject_id=person))).items
    return record


async def shown(container: Container, person: UUID) -> tuple[str | None, bool]:
    """Return the address, and whether it is said to be expired."""
    origin = (await record_of(container, person)).origin
    assert origin
    return origin.address, origin.address_expired


async def kept_months(container: Container) -> set[str]:
    return set(await container.database["audit_address_keys"].distinct("_id", {"_id": {"$lt": "2026"}}))


async def record_event(container: Container) -> UUID:
    person = new_id()
    await container.get(AuditTrail).handle([account_event(container, person)])
    return person


async def test_address_is_shown_for_180_days_and_its_key_is_destroyed_in_the_month_after(
    empty_trail: Container, clock: AdjustableClock
) -> None:
    person = await record_event(empty_trail)
    await empty_trail.get(AuditHeads).sign()
    clock.set(JANUARY + 179 * _DAY)
    other = await record_event(empty_trail)
    assert await shown(empty_trail, person) == (ADDRESS, False)
    clock.set(JANUARY + 181 * _DAY)
    assert await shown(empty_trail, person) == (None, True)
    await destroy_address_keys({"container": empty_trail})
    assert await kept_months(empty_trail) == {"2025-01", "2025-07"}
    clock.set(datetime(2025, 8, 1, tzinfo=UTC))
    await destroy_address_keys({"container": empty_trail})
    assert await kept_months(empty_trail) == {"2025-07"}
    assert await shown(empty_trail, other) == (ADDRESS, False)
    assert (await record_of(empty_trail, person)).reason == "Ada Vogel shouts"
    clock.set(JANUARY + 179 * _DAY)  # as with a longer time in the settings
    assert await shown(empty_trail, person) == (None, True)
    assert (await verify(empty_trail)).flaws == 0


async def test_event_of_an_expired_month_is_recorded_without_address_and_without_a_new_key(
    empty_trail: Container, clock: AdjustableClock
) -> None:
    person = new_id()
    event = account_event(empty_trail, person)
    before = await kept_months(empty_trail)
    clock.set(JANUARY + 181 * _DAY)
    late = msgspec.structs.replace(event, at=JANUARY - 31 * _DAY)
    await empty_trail.get(AuditTrail).handle([late])
    assert await shown(empty_trail, person) == (None, True)
    assert await kept_months(empty_trail) == before


async def test_address_is_not_readable_by_the_key_of_the_person_alone(empty_trail: Container) -> None:
    person = await record_event(empty_trail)
    (record,) = await empty_trail.get(AuditRepository).page({"subject_id": person}, None, 2)
    raw = (await empty_trail.get(PersonKeys).find([person]))[person].open(record.sealed[0].values, record.id.bytes)
    assert raw
    values = msgspec.json.decode(raw, type=PersonalValues)
    assert (values.address, ADDRESS.encode() in raw) == (None, False)
    assert values.dated_address
    await empty_trail.get(PersonKeys).destroy(person)
    assert await shown(empty_trail, person) == (None, False)


async def test_address_of_a_record_from_before_the_keys_is_hidden_after_its_time(
    empty_trail: Container, clock: AdjustableClock
) -> None:
    person, record_id = new_id(), new_id()
    key = (await empty_trail.get(PersonKeys).get_or_create([person]))[person]
    values = key.seal(msgspec.json.encode(PersonalValues(address=ADDRESS)), record_id.bytes)
    record = AuditRecord(
        id=record_id,
        type=EventType.ACCOUNT_SUSPENDED,
        subject_id=person,
        version=1,
        people=[person],
        actor_id=person,
        at=JANUARY,
        origin=RecordedOrigin("request-1", None, None),
        sealed=[SealedValues(person, values)],
    )
    macs = Macs(empty_trail.get(SecretKeys).derive("audit records"))
    await AuditChain(empty_trail.get(AuditRepository), macs).append([record])
    assert await shown(empty_trail, person) == (ADDRESS, False)
    clock.set(JANUARY + 181 * _DAY)
    assert await shown(empty_trail, person) == (None, True)


async def test_address_keys_are_sealed_by_the_new_secrets_key_after_the_job_of_the_night(
    settings: Settings, empty_trail: Container, clock: AdjustableClock
) -> None:
    old, new = new_secrets_key(1), new_secrets_key(2)
    december = JANUARY - 31 * _DAY
    containers = []
    for keys in (old, f"{new},{old}", new):
        accounts = msgspec.structs.replace(settings.accounts, secrets_keys=keys)
        containers.append(await open_container(msgspec.structs.replace(settings, accounts=accounts), clock))
    before, during, after = containers
    try:
        sealed = (await before.get(AddressKeys).get_or_create([december]))["2024-12"].seal(b"::1", b"")
        await renew_audit_keys({"container": during})
        assert (await after.get(AddressKeys).find([december]))["2024-12"].open(sealed, b"") == b"::1"
    finally:
        await empty_trail.database["audit_address_keys"].delete_many({"_id": "2024-12"})
        for container in containers:
            await container.close()
