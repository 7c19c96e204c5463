"""Reports of messages, and the decisions of admins."""

from typing import Any
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from grome.infrastructure.outbox.relay import Relay
from tests.builders.chat import change, conversation, report_message, send
from tests.builders.pages import read_pages
from tests.builders.people import Person, create_admin
from tests.chat.conftest import Chat
from tests.infrastructure.outbox.test_relay import running
from tests.support.eventually import until

_REPORTS = "/v1/admin/message-reports"


async def listed(http: httpx.AsyncClient, boss: Person, chat: Chat, *, resolved: bool) -> list[dict[str, Any]]:
    pages = await read_pages(http, _REPORTS, {"resolved": str(resolved).lower()}, auth=boss.auth)
    return [row for page in pages for row in page if row["booking_id"] == chat.booking["id"]]


async def resolve(
    http: httpx.AsyncClient, boss: Person, report: dict[str, Any], decision: str, note: str = "Seen."
) -> httpx.Response:
    path = f"{_REPORTS}/{report['id']}/resolve"
    return await http.post(path, json={"decision": decision, "note": note}, headers=boss.auth)


async def test_reported_message_is_read_and_removed_by_an_admin_with_an_audit_record(
    http: httpx.AsyncClient, container: Container, chat: Chat
) -> None:
    boss = await create_admin(http, container)
    before = await send(http, chat.barber, chat.booking, "Hello")
    rude = await send(http, chat.customer, chat.booking, "You fool")
    report = await report_message(http, chat.barber, rude, "He insults me.")
    assert await report_message(http, chat.barber, rude, "Again.") == report
    own = f"/v1/bookings/{chat.booking['id']}/messages/{before['id']}/report"
    refused = await http.post(own, json={"reason": "Mine."}, headers=chat.barber.auth)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_message")

    await change(http, chat.customer, rude, "You friend")
    [shown] = await listed(http, boss, chat, resolved=False)
    assert (shown["id"], shown["text"], shown["reason"]) == (report["id"], "You fool", "He insults me.")
    assert (shown["reporter_id"], shown["sender_id"]) == (str(chat.barber.id), str(chat.customer.id))
    pages = await read_pages(http, f"{_REPORTS}/{report['id']}/messages", {}, auth=boss.auth)
    assert [message["text"] for page in pages for message in page] == ["You friend", "Hello"]

    async with running(container.get(Relay)):
        resolved = await resolve(http, boss, report, "removed", "An insult.")
        assert (resolved.status_code, resolved.json()["decision"]) == (200, "removed")
        assert (await resolve(http, boss, report, "removed")).json() == resolved.json()
        other = await resolve(http, boss, report, "dismissed")
        assert (other.status_code, other.json()["code"]) == (409, "report_resolved")
        tombstone = (await conversation(http, chat.barber, chat.booking))["items"][0]
        assert (tombstone["id"], tombstone["text"], tombstone["deleted_at"] is None) == (rude["id"], "", False)
        assert await listed(http, boss, chat, resolved=False) == []
        assert [row["id"] for row in await listed(http, boss, chat, resolved=True)] == [report["id"]]

        audit = container.database["audit"]

        async def is_recorded() -> bool:
            return await audit.count_documents({"subject_id": UUID(report["id"])}) > 0

        await until(is_recorded)
    [record] = await audit.find({"subject_id": UUID(report["id"])}).to_list()
    assert (record["type"], record["actor_id"]) == ("message_report.resolved", boss.id)
    assert record["reason"] == "removed: An insult."
    # Messages themselves are not audited.
    assert await audit.count_documents({"subject_id": chat.booking_id, "type": {"$regex": "^message"}}) == 0


async def test_dismissed_report_leaves_the_message(http: httpx.AsyncClient, container: Container, chat: Chat) -> None:
    boss = await create_admin(http, container)
    message = await send(http, chat.customer, chat.booking, "Late again?")
    report = await report_message(http, chat.barber, message)
    assert (await resolve(http, boss, report, "dismissed")).json()["note"] == "Seen."
    assert (await conversation(http, chat.barber, chat.booking))["items"] == [message]
