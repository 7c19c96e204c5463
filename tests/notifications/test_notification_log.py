"""Test the list of a user's messages."""

from datetime import timedelta
from itertools import repeat

import httpx
import pytest

from grome.common.clock import system_clock
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.models import Channel, ChannelDelivery, MessageKind, Notification, Why
from grome.notifications.repository import LOG
from tests.builders.pages import read_pages
from tests.builders.people import Person, register


def delivery(
    person: Person, kind: MessageKind = MessageKind.RECEIPT, channel: Channel = Channel.EMAIL
) -> ChannelDelivery:
    notice = Notification(
        event_id=new_id(), kind=kind, user_id=person.id, subject_id=new_id(), at=system_clock(), version=1
    )
    return ChannelDelivery(notice, channel)


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
async def test_notification_list_pages_newest_first(
    http: httpx.AsyncClient, container: Container, limit: int, sizes: list[int]
) -> None:
    person, other = await register(http), await register(http)
    made = [delivery(person) for _ in range(5)]
    for one in made:
        await container.get(NotificationLog).record_sent(one, "an id")
    await container.get(NotificationLog).record_sent(delivery(other), None)
    # Two of them at the same moment.
    same = {"_id": {"$in": [one.entry_id for one in made[1:3]]}}
    await container.database["notifications"].update_many(same, {"$set": {"at": system_clock()}})
    pages = await read_pages(http, "/v1/me/notifications", {}, auth=person.auth, limits=repeat(limit))
    assert [len(page) for page in pages] == sizes
    listed = [one for page in pages for one in page]
    assert {one["id"] for one in listed} == {str(one.entry_id) for one in made}
    places = [(one["at"], one["id"]) for one in listed]
    assert places == sorted(places, reverse=True)


async def test_notification_list_item_has_reason_and_subject(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    one = delivery(person, MessageKind.BOOKING_ACCEPTED, Channel.PUSH)
    await container.get(NotificationLog).record_suppressed(one, Why.PREFERENCE)
    (item,) = (await http.get("/v1/me/notifications", headers=person.auth)).json()["items"]
    assert item.pop("at")
    assert item == {
        "id": str(one.entry_id),
        "kind": "booking_accepted",
        "channel": "push",
        "state": "suppressed",
        "why": "preference",
        "subject_id": str(one.notification.subject_id),
    }


async def test_log_entry_of_a_sent_message_stays_sent(http: httpx.AsyncClient, container: Container) -> None:
    log, one, device_id = container.get(NotificationLog), delivery(await register(http)), new_id()
    await log.record_failed(one, [device_id])
    await log.record_failed(one)
    failed = await log.find(one)
    assert failed is not None
    assert (failed.state, failed.reached) == ("failed", [device_id])
    await log.record_sent(one, "an id", [device_id])
    await log.record_failed(one)
    await log.record_suppressed(one, Why.DEDUPE)
    sent = await log.find(one)
    assert sent is not None
    assert (sent.state, sent.why, sent.provider_id, sent.reached) == ("sent", None, "an id", [device_id])


async def test_log_entries_expire_after_ninety_days(container: Container) -> None:
    indexes = await container.database[LOG.name].index_information()
    assert indexes["kept"]["expireAfterSeconds"] == timedelta(days=90).total_seconds()
    assert [name for name, _ in indexes["kept"]["key"]] == ["at"]
    plan = await container.database[LOG.name].find({"user_id": new_id()}).sort([("at", -1), ("_id", -1)]).explain()
    assert "SORT" not in str(plan["queryPlanner"]["winningPlan"]).replace("SORT_KEY", "")
