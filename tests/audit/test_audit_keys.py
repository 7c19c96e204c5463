"""A rotation of the signing key and the secrets keys leaves the trail verifiable and its values readable."""

from datetime import timedelta

import msgspec
import pytest

from config.settings import Settings
from grome.audit.heads import AuditHeads, BrokenChainError
from grome.audit.jobs import renew_audit_keys
from grome.common.ids import new_id
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.person_keys.service import PersonKeys
from tests.builders.audit import record_events, verify
from tests.builders.keys import new_secrets_key, new_signing_key
from tests.conftest import AdjustableClock

_DAY = timedelta(days=1)


async def with_keys(settings: Settings, clock: AdjustableClock, **keys: str) -> Container:
    accounts = msgspec.structs.replace(settings.accounts, **keys)
    return await open_container(msgspec.structs.replace(settings, accounts=accounts), clock)


async def test_rotated_keys_verify_the_trail_and_open_keys_of_persons_after_the_job_of_the_night(
    settings: Settings, empty_trail: Container, clock: AdjustableClock
) -> None:
    signing, new_signing = new_signing_key(), new_signing_key()
    secrets, new_secrets = new_secrets_key(1), new_secrets_key(2)
    person = new_id()
    before = await with_keys(settings, clock, signing_key=signing, secrets_keys=secrets)
    during = await with_keys(
        settings,
        clock,
        signing_key=new_signing,
        old_signing_keys=signing,
        secrets_keys=f"{new_secrets},{secrets}",
    )
    after = await with_keys(settings, clock, signing_key=new_signing, secrets_keys=new_secrets)
    try:
        await empty_trail.database.person_keys.delete_many({})
        await record_events(before, 3)
        await before.get(AuditHeads).sign()
        sealed = (await before.get(PersonKeys).get_or_create([person]))[person].seal(b"Ada", person.bytes)
        clock.shift += _DAY
        assert (await verify(after)).flaws  # too early: the head has the signature of an unknown key
        await record_events(during, 2)
        await renew_audit_keys({"container": during})
        result = await verify(after)
        assert (result.records, result.flaws) == (5, 0)
        key = (await after.get(PersonKeys).find([person]))[person]
        assert key.open(sealed, person.bytes) == b"Ada"
        with pytest.raises(BrokenChainError):
            await before.get(AuditHeads).sign()  # an old process does not sign over a head that it cannot check
    finally:
        for container in (before, during, after):
            await container.close()
