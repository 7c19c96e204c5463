"""Test the payloads of events that hold ids only."""

import json

from grome.common.ids import new_id
from grome.infrastructure.outbox.models import Event, EventType
from grome.infrastructure.outbox.relay import Subscribers
from grome.webhooks.models import PLATFORM_TYPES
from tests.builders.people import create_admin
from tests.webhooks.receiver import Receiver
from tests.webhooks.trial import Trial


async def test_promo_event_is_delivered_to_the_platform_with_ids(trial: Trial, receiver: Receiver) -> None:
    boss = await create_admin(trial.http, trial.container)
    endpoint = await trial.endpoint(boss, receiver.url, types=["promo.changed"])
    event = Event(
        id=new_id(), type=EventType.PROMO_CHANGED, at=trial.clock(), subject_id=new_id(), version=3, people=()
    )
    await trial.container.get(Subscribers)["webhooks"].handle([event])
    await trial.deliver(endpoint, event)
    (got,) = receiver.requests
    assert json.loads(got.body)["data"] == {"promo_id": str(event.subject_id), "version": 3}


async def test_each_type_that_no_stored_object_is_needed_for_has_a_payload(trial: Trial, receiver: Receiver) -> None:
    boss = await create_admin(trial.http, trial.container)
    kinds = sorted(kind for kind in PLATFORM_TYPES if kind.partition(".")[0] not in {"booking", "payment"})
    endpoint = await trial.endpoint(boss, receiver.url, types=kinds)
    events = [
        Event(id=new_id(), type=kind, at=trial.clock(), subject_id=new_id(), version=1, people=()) for kind in kinds
    ]
    await trial.container.get(Subscribers)["webhooks"].handle(events)
    bodies = [json.loads((await trial.stored(endpoint, event)).body) for event in events]
    assert [body["type"] for body in bodies] == kinds
