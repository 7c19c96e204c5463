"""Messages about an account: codes reach the address that they prove, and owners hear of changes and claims."""

from datetime import timedelta

import httpx
import msgspec

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import CODES, USERS, ChangeRecord, Event
from tests.builders.codes import code_sent_to, newest_code
from tests.builders.people import PASSWORD, Person, create_admin, new_email, new_phone, register
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import log_of
from tests.notifications.recorders import Pipeline


async def events_of_account(container: Container, person: Person) -> list[Event]:
    document = await container.database[USERS].find_one({"_id": person.id})
    assert document is not None
    return PROJECTION.events_of(ChangeRecord(USERS, document, None, container.clock()))


async def event_of_code(container: Container, address: str) -> Event:
    document = await newest_code(container, address)
    (event,) = PROJECTION.events_of(ChangeRecord(CODES, document, None, container.clock()))
    return event


async def change(http: httpx.AsyncClient, container: Container, person: Person, kind: str, address: str) -> None:
    body = {kind: address, "password": PASSWORD}
    assert (await http.post(f"/v1/me/{kind}", json=body, headers=person.auth)).status_code == 202
    code = {"code": await code_sent_to(container, address)}
    assert (await http.post(f"/v1/me/{kind}/confirm", json=code, headers=person.auth)).status_code == 200


async def test_code_goes_to_the_new_address_only_and_stands_in_no_job(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    person, new = await register(http, phone=new_phone()), new_email()
    body = {"email": new, "password": PASSWORD}
    assert (await http.post("/v1/me/email", json=body, headers=person.auth)).status_code == 202
    assert await pipeline.handle(await event_of_code(container, new)) == []
    (mail,) = pipeline.mailbox.mails
    assert (mail.to, pipeline.texts.texts) == (new, [])
    code = await code_sent_to(container, new)
    assert code in mail.rendered.text
    assert code not in mail.rendered.subject
    queued = msgspec.json.encode([job.payload for job in pipeline.jobs.added.values()]).decode()
    assert code not in queued
    assert new not in queued


async def test_code_to_an_unverified_phone_is_sent_by_sms(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    phone = new_phone()
    person = await register(http, phone=phone)
    assert (await http.post("/v1/me/phone/verify", headers=person.auth)).status_code == 202
    assert await pipeline.handle(await event_of_code(container, phone)) == []
    ((number, text, _),) = pipeline.texts.texts
    assert (number, pipeline.mailbox.mails) == (phone, [])
    assert await code_sent_to(container, phone) in text


async def test_used_or_expired_code_is_not_sent(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline, clock: AdjustableClock
) -> None:
    person = await register(http)
    assert (await http.post("/v1/me/email/verify", headers=person.auth)).status_code == 202
    event = await event_of_code(container, person.email)
    clock.shift = timedelta(minutes=11)
    assert await pipeline.handle(event) == []
    assert pipeline.mailbox.mails == []


async def test_address_before_a_change_is_told_of_the_change(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    phone = new_phone()
    person = await register(http, email=None, phone=phone)
    await container.database[USERS].update_one({"_id": person.id}, {"$set": {"phone_verified": True}})
    new_number, email, other_email = new_phone(), new_email(), new_email()
    await change(http, container, person, "phone", new_number)
    await change(http, container, person, "email", email)
    await change(http, container, person, "email", other_email)
    events = [event for event in await events_of_account(container, person) if event.type != "account.registered"]
    assert await pipeline.handle(*events) == []
    assert pipeline.mailbox.kinds_to(email) == ["email_changed"]
    assert "email_changed" not in pipeline.mailbox.kinds_to(other_email)
    # By now the account has an email address, to which warnings go instead of texts.
    assert pipeline.mailbox.kinds_to(other_email) == ["phone_changed"]
    assert pipeline.texts.kinds_to(new_number) == []


async def test_owner_of_a_claimed_address_is_told_once_a_day_and_the_claimant_gets_nothing(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    owner = await register(http)
    claimants = [await register(http, email=owner.email) for _ in range(3)]
    for claimant in claimants:
        assert await pipeline.handle(*await events_of_account(container, claimant)) == []
    assert pipeline.mailbox.kinds_to(owner.email) == ["address_taken"]


async def test_message_log_of_a_claimant_does_not_tell_that_the_address_is_taken(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    """Otherwise a registration and a look at the own messages would tell which addresses have an account."""
    owner = await register(http)
    logs = []
    for person in (await register(http, email=owner.email), await register(http)):
        (welcome, *_) = await events_of_account(container, person)
        assert await pipeline.handle(welcome) == []
        logs.append(await log_of(http, person))
    assert logs[0] == logs[1] == {("welcome", "email"): ("sent", None)}
    assert pipeline.mailbox.kinds_to(owner.email) == []


async def test_owner_is_told_of_a_suspension_and_its_end(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    admin, person = await create_admin(http, container), await register(http)
    for action in ("suspend", "restore"):
        path = f"/v1/admin/users/{person.id}/{action}"
        assert (await http.post(path, json={"reason": "Shouts."}, headers=admin.auth)).status_code == 200
    assert await pipeline.handle(*await events_of_account(container, person)) == []
    assert pipeline.mailbox.kinds_to(person.email) == ["welcome", "account_suspended", "account_restored"]


async def test_owner_is_told_of_a_changed_password(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    person = await register(http)
    body = {"current": PASSWORD, "new": f"{PASSWORD} two"}
    assert (await http.put("/v1/me/password", json=body, headers=person.auth)).status_code == 200
    assert await pipeline.handle(*await events_of_account(container, person)) == []
    assert pipeline.mailbox.kinds_to(person.email) == ["welcome", "password_changed"]
