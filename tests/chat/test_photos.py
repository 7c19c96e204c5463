"""Photos of messages: claimed once, linked for both sides, and deleted with their message."""

from uuid import UUID

import httpx
import pytest

from grome.chat.photos import DISCARD_PHOTOS
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.chat import change, conversation, new_key, report_message, send, try_send
from tests.builders.people import create_admin
from tests.builders.uploads import here, is_re_encoded, upload
from tests.chat.conftest import Chat
from tests.chat.test_message_reports import resolve
from tests.support.eventually import until
from tests.support.jobs import run_worker
from workers.registry import HANDLERS


async def test_message_with_photos_links_them_for_both_sides_and_can_be_repeated(
    http: httpx.AsyncClient, chat: Chat
) -> None:
    photos = [str(await upload(http, chat.customer)) for _ in range(2)]
    key = new_key()
    message = await send(http, chat.customer, chat.booking, photos=photos, key=key)
    assert [photo["id"] for photo in message["photos"]] == photos
    again = await send(http, chat.customer, chat.booking, photos=photos, key=key)
    assert (again["id"], again["number"], len(again["photos"])) == (message["id"], 1, 2)
    path = f"/v1/bookings/{chat.booking['id']}/messages/{message['id']}"
    for person in (chat.customer, chat.barber):
        shown = (await http.get(path, headers=person.auth)).json()["photos"]
        for photo in shown:
            got = await http.get(here(photo["url"]) + "?" + photo["url"].partition("?")[2])
            assert is_re_encoded(got.content)

    # A text can be added, and photos stay.
    edited = (await change(http, chat.customer, message, "The cut that I want")).json()
    assert [photo["id"] for photo in edited["photos"]] == photos
    assert (await change(http, chat.customer, message, "")).json()["text"] == ""


async def test_photo_of_another_person_or_message_or_purpose_is_refused(http: httpx.AsyncClient, chat: Chat) -> None:
    used = str(await upload(http, chat.customer))
    await send(http, chat.customer, chat.booking, photos=[used])
    for photo in (
        used,
        str(await upload(http, chat.barber)),
        str(await upload(http, chat.customer, purpose="photo")),
        str(new_id()),
    ):
        response = await try_send(http, chat.customer, chat.booking, "Look", photos=[photo])
        assert (response.status_code, response.json()["code"]) == (422, "upload_refused")
    assert len((await conversation(http, chat.customer, chat.booking))["items"]) == 1


@pytest.mark.parametrize("is_reported", [False, True], ids=("unreported", "reported"))
async def test_photos_of_a_deleted_message_are_deleted_once_no_report_needs_them(
    http: httpx.AsyncClient, container: Container, chat: Chat, *, is_reported: bool
) -> None:
    photo = str(await upload(http, chat.customer))
    message = await send(http, chat.customer, chat.booking, photos=[photo])
    uploads = container.database["uploads"]

    async def is_gone() -> bool:
        return await uploads.count_documents({"_id": UUID(photo)}) == 0

    async def is_handled() -> bool:
        jobs = container.database["jobs"].find({"payload.message_id": message["id"], "state": "done"})
        return len(await jobs.to_list()) == 1

    async with run_worker(container, {DISCARD_PHOTOS: HANDLERS[DISCARD_PHOTOS]}):
        if is_reported:
            report = await report_message(http, chat.barber, message)
            assert (await change(http, chat.customer, message)).status_code == 204
            await until(is_handled)
            assert not await is_gone()
            boss = await create_admin(http, container)
            [shown] = (await resolve(http, boss, report, "dismissed")).json()["photos"]
            assert shown["id"] == photo
        else:
            assert (await change(http, chat.customer, message)).status_code == 204
        await until(is_gone)
    assert (await conversation(http, chat.barber, chat.booking))["items"][0]["photos"] == []
