"""Test the messages about decisions of admins."""

import httpx

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import VERIFICATIONS, ChangeRecord, Event
from tests.builders.verifications import Case, submitted
from tests.notifications.recorders import Pipeline


async def happened(container: Container, case: Case) -> list[Event]:
    document = await container.database[VERIFICATIONS].find_one({"_id": case.shop.person.id})
    assert document is not None
    return PROJECTION.events_of(ChangeRecord(VERIFICATIONS, document, None, container.clock()))


async def test_barber_is_told_each_decision_with_its_notes_and_no_overtaken_one(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    case = await submitted(http, container)
    assert await pipeline.handle(*await happened(container, case)) == []
    assert pipeline.mailbox.mails == []
    for action, subject in (("ask-again", "more documents"), ("reject", "could not verify")):
        await case.decided(http, action, notes=f"The reason of {action}.")
        assert await pipeline.handle(*await happened(container, case)) == []
        told = pipeline.mailbox.mails[-1]
        assert told.to == case.shop.person.email
        assert subject in told.rendered.subject
        assert f"The reason of {action}." in told.rendered.text
    await case.decided(http, "reject", notes="Overtaken.")
    overtaken = await happened(container, case)
    await case.decided(http, "approve")
    assert await pipeline.handle(*overtaken, *await happened(container, case)) == []
    assert len(pipeline.mailbox.mails) == 3
    assert "is verified" in pipeline.mailbox.mails[-1].rendered.subject
