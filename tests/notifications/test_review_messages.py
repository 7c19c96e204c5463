"""Test messages about reviews and answers."""

import httpx

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import REVIEWS, ChangeRecord, Event
from tests.builders.reviews import CompletedVisit, complete_visit, create_review, edit_review, put_answer, remove_review
from tests.notifications.recorders import Pipeline


async def happened(container: Container, visit: CompletedVisit) -> list[Event]:
    document = await container.database[REVIEWS].find_one({"customer_id": visit.customer.id})
    assert document is not None
    return PROJECTION.events_of(ChangeRecord(REVIEWS, document, None, container.clock()))


async def test_review_notifies_the_barber_and_the_answer_the_customer(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    visit = await complete_visit(http, container, name="Corner Barbers")
    await create_review(http, visit, 4, "Quick and precise.")
    assert await pipeline.handle(*await happened(container, visit)) == []
    assert pipeline.mailbox.kinds_to(visit.shop.person.email) == ["review_posted"]
    told = pipeline.mailbox.mails[-1].rendered
    assert "Zoë Mertens" in told.subject
    assert "★★★★☆" in told.text
    assert "Quick and precise." in told.text
    assert f"https://grome.example/bookings/{visit.booking_id}" in told.text

    await put_answer(http, visit, "Thank you!")
    assert await pipeline.handle(*await happened(container, visit)) == []
    assert pipeline.mailbox.kinds_to(visit.customer.email) == ["review_answered"]
    told = pipeline.mailbox.mails[-1].rendered
    assert "Corner Barbers" in told.subject
    assert "Thank you!" in told.text
    assert len(pipeline.mailbox.mails) == 2


async def test_review_removed_before_sending_is_suppressed(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    visit = await complete_visit(http, container)
    await create_review(http, visit, 1, "Bad.")
    await put_answer(http, visit, "Liar!")
    await edit_review(http, visit, 5, "Good.")
    await http.delete(visit.answer_path, headers=visit.shop.auth)
    assert await pipeline.handle(*await happened(container, visit)) == []
    (mail,) = pipeline.mailbox.mails
    assert mail.to == visit.shop.person.email
    assert "Good." in mail.rendered.text
    assert "Bad." not in mail.rendered.text

    other = await complete_visit(http, container)
    await create_review(http, other, 1, "Bad.")
    await remove_review(http, other)
    assert await pipeline.handle(*await happened(container, other)) == []
    assert len(pipeline.mailbox.mails) == 1
