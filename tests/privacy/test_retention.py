"""Old data is erased by the settings, and newer data stays."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.privacy.retention import Retention
from grome.uploads.repository import UploadRepository
from tests.builders.bookings import tomorrow
from tests.conftest import AdjustableClock
from tests.privacy.conftest import Town


@pytest.fixture(autouse=True)
async def no_marks(container: Container) -> None:
    """Forget the runs of other tests, which were years ahead."""
    await container.database["retention_marks"].delete_many({})


async def run(container: Container, clock: AdjustableClock, days: float) -> None:
    clock.shift = timedelta(days=days)
    await container.get(Retention).run()
    clock.shift = timedelta()


async def visit_and_texts(http: httpx.AsyncClient, town: Town) -> tuple[dict[str, Any], set[str]]:
    """Return the visit and the texts of the messages, as the barber sees them."""
    path = f"/v1/bookings/{town.booking['id']}"
    visit: dict[str, Any] = (await http.get(path, headers=town.shop.auth)).json()
    messages = (await http.get(f"{path}/messages", headers=town.shop.auth)).json()["items"]
    return visit, {message["text"] for message in messages}


async def test_details_and_messages_of_a_visit_are_erased_after_two_years_and_the_visit_stays(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, town: Town
) -> None:
    before, texts = await visit_and_texts(http, town)
    age = (tomorrow(9) - clock()) / timedelta(days=1)
    await run(container, clock, days=age + 729.9)
    assert await visit_and_texts(http, town) == (before, texts)
    for _ in range(2):
        await run(container, clock, days=age + 730.1)
        after, left = await visit_and_texts(http, town)
        assert {name for name in after if after[name] != before[name]} == {"house_call", "customer_note"}
        assert left == {""}
        assert await UploadRepository(container.database).find_many([UUID(town.photo)]) == {}


async def test_decided_report_is_deleted_after_half_a_year_and_an_open_one_stays(
    container: Container, clock: AdjustableClock, town: Town
) -> None:
    reports, now = container.database["message_reports"], clock()
    shared = {"reporter_id": town.shop.person.id, "sender_id": town.customer.id, "reason": "Rude", "text": "…"}
    for number, decided_at in enumerate((now, None)):
        report = {"_id": UUID(int=number), "booking_id": UUID(town.booking["id"]), "message_id": UUID(int=number)}
        decision = {"decision": "removed" if decided_at else None, "resolved_at": decided_at, "created_at": now}
        await reports.insert_one({**report, **shared, **decision, "outbox": []})
    await run(container, clock, days=179)
    assert await _ids(container, now) == {0, 1}
    await run(container, clock, days=181)
    assert await _ids(container, now) == {1}


async def _ids(container: Container, created_at: datetime) -> set[int]:
    found = container.database["message_reports"].find({"created_at": created_at})
    return {report["_id"].int async for report in found}
