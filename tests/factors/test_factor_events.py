"""Events of factors: each change is an event of the account, and its owner is told."""

import httpx

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import FACTORS, ChangeRecord, Event
from grome.notifications.planner import plan_notifications
from tests.builders.factors import ORIGIN, add_app, add_passkey, answer, challenge
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock
from tests.support.authenticator import Authenticator


async def events_of(container: Container, person: Person) -> list[Event]:
    stored = await container.database[FACTORS].find_one({"_id": person.id})
    assert stored
    return PROJECTION.events_of(ChangeRecord(FACTORS, stored, None, container.clock()))


async def test_changes_of_factors_are_told_to_their_owner(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    clock.stopped = now = clock()
    app = await add_app(http, await register(http), now)
    person = app.person
    _, added = await add_passkey(http, person)
    await answer(http, await challenge(http, person), recovery_code=app.recovery_codes[0])
    await http.delete(f"/v1/me/passkeys/{added['passkey']['id']}", headers=person.auth)
    events = await events_of(container, person)
    assert [(event.type.value, event.reason, event.people, event.actor_id) for event in events] == [
        ("account.factor_added", "totp", (person.id,), person.id),
        ("account.factor_added", "passkey", (person.id,), person.id),
        ("account.recovery_code_used", "recovery_code", (person.id,), person.id),
        ("account.factor_removed", "passkey", (person.id,), person.id),
    ]
    assert [notice.kind.value for event in events for notice in plan_notifications(event)] == [
        *("factor_added", "factor_added", "recovery_code_used", "factor_removed"),
    ]
    assert all(event.origin and event.origin.session_id for event in (events[0], events[1], events[3]))


async def test_copied_passkey_is_told_to_its_owner(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    authenticator = Authenticator(ORIGIN, counter=7)
    await add_passkey(http, person, authenticator)
    authenticator.counter = 3
    begun = (await http.post("/v1/auth/passkey/begin", json={})).json()
    sent = {"ceremony": begun["ceremony"], "credential": authenticator.get(begun["options"])}
    assert (await http.post("/v1/auth/passkey/finish", json=sent)).status_code == 401
    assert (await events_of(container, person))[-1].type.value == "account.suspicious_sign_in"
