"""Who is told of reviews and answers, and what they read."""

import httpx

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import REVIEWS, ChangeRecord, Event
from tests.builders.reviews import CompletedVisit, complete_visit, create_review, edit_review, put_answer, remove_review
from tests.notifications.recorders import Desk


async def happened(container: Container, visit: CompletedVisit) -> list[Event]:
    document = await container.database[REVIEWS].find_one({"customer_id": visit.customer.id})
    assert document is not None
    return PROJECTION.events_of(ChangeRecord(REVIEWS, document, None, container.clock()))


async def test_the_barber_hears_of_a_review_and_the_customer_of_the_answer(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    visit = await complete_visit(http, container, display_name="Corner Barbers")
    await create_review(http, visit, 4, "Quick and precise.")
    assert await desk.hear(*await happened(container, visit)) == []
    assert desk.mailbox.to(visit.shop.person.email) == ["review_posted"]
    told = desk.mailbox.mails[-1].rendered
    assert "Zoë Mertens" in told.subject
    assert "★★★★☆" in told.text
    assert "Quick and precise." in told.text
    assert f"https://grome.example/bookings/{visit.booking_id}" in told.text

    await put_answer(http, visit, "Thank you!")
    assert await desk.hear(*await happened(container, visit)) == []
    assert desk.mailbox.to(visit.customer.email) == ["review_answered"]
    told = desk.mailbox.mails[-1].rendered
    assert "Corner Barbers" in told.subject
    assert "Thank you!" in told.text
    assert len(desk.mailbox.mails) == 2


async def test_what_was_taken_back_before_it_was_told_is_not_told(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    visit = await complete_visit(http, container)
    await create_review(http, visit, 1, "Bad.")
    await put_answer(http, visit, "Liar!")
    await edit_review(http, visit, 5, "Good.")
    await http.delete(visit.answer_path, headers=visit.shop.auth)
    assert await desk.hear(*await happened(container, visit)) == []
    (mail,) = desk.mailbox.mails
    assert mail.to == visit.shop.person.email
    assert "Good." in mail.rendered.text
    assert "Bad." not in mail.rendered.text

    other = await complete_visit(http, container)
    await create_review(http, other, 1, "Bad.")
    await remove_review(http, other)
    assert await desk.hear(*await happened(container, other)) == []
    assert len(desk.mailbox.mails) == 1
