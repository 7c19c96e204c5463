"""Test a visit from the API to mailbox and push log, through the real relay and worker."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.models import State
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client
from grome.migrations import MIGRATIONS
from grome.notifications.email.folder import open_mailbox
from grome.notifications.push import PushLog, open_pusher
from tests.builders.bookings import changed, move
from tests.builders.people import PASSWORD
from tests.infrastructure.jobs.test_jobs import run_worker
from tests.notifications.booking_notices import log_of, put_token, request_visit
from tests.support.app import serve_app, with_database
from tests.support.eventually import until
from tests.support.http_client import http_client
from workers.registry import HANDLERS

BY_MAIL = ["welcome", "new_device", "booking_requested", "booking_accepted", "receipt", "review_request"]
BY_PUSH = ["new_device", "booking_requested", "booking_accepted", "review_request"]
TO_THE_BARBER = ["booking_requested", "welcome"]


@pytest.fixture
def own_settings(settings: Settings, tmp_path: Path) -> Settings:
    """Use a database and a mailbox of its own, since the relay dispatches every event."""
    return msgspec.structs.replace(with_database(settings, "messages"), home=str(tmp_path))


@pytest.fixture
async def own(own_settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Container]]:
    container = await open_container(own_settings)
    await container.get(Client).drop_database(own_settings.mongo.database)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    async with serve_app(own_settings) as app, http_client(app.ctx.base_url) as http:
        yield http, app.ctx.container
    await container.get(Client).drop_database(own_settings.mongo.database)
    await container.close()


def kind_of(name: str) -> str:
    """Return the kind from the file name, which derives from the message id."""
    return name.split("=2E")[1]


async def test_visit_is_announced_once_on_every_channel(
    own: tuple[httpx.AsyncClient, Container], own_settings: Settings
) -> None:
    """Holds also after relay and jobs have lost their state."""
    http, container = own
    begun_at = container.clock()
    mailbox, pusher = open_mailbox(own_settings), open_pusher(own_settings)
    assert isinstance(pusher, PushLog)
    customer, shop, booking = await request_visit(http, container)
    device_id = uuid4()
    given = {"email": customer.email, "password": PASSWORD, "device": {"id": str(device_id)}}
    assert (await http.post("/v1/auth/login", json=given)).status_code == 200
    await put_token(http, customer, device_id, "a-token")
    assert (await move(http, shop.auth, booking, "accept")).status_code == 200
    # This Grome has the real clock, so the time of the visit is changed instead.
    await changed(container, booking, scheduled_at=begun_at, ends_at=begun_at + timedelta(minutes=30))
    for action in ("start", "complete"):
        assert (await move(http, shop.auth, booking, action)).status_code == 200

    async def all_is_done() -> bool:
        """Return whether each reader has each message on each channel."""
        jobs = container.database["jobs"]
        ended = await jobs.count_documents({"kind": "notify", "state": State.DONE.value})
        return ended == len(BY_MAIL) + len(TO_THE_BARBER) and not await jobs.count_documents(
            {"state": {"$ne": State.DONE.value}}
        )

    for _ in range(2):
        async with run_worker(container, HANDLERS):
            await until(all_is_done)
        await container.database["jobs"].delete_many({})
        await container.database["relay"].update_one({}, {"$set": {"token": None, "since": begun_at}})

    mails = await mailbox.list_newest()
    assert Counter(kind_of(mail.name) for mail in mails if mail.to == customer.email) == Counter(BY_MAIL)
    assert sorted(kind_of(mail.name) for mail in mails if mail.to == shop.person.email) == TO_THE_BARBER
    assert Counter(line.data["kind"] for line in await pusher.read()) == Counter(BY_PUSH)
    log = await log_of(http, customer)
    assert {way for way, (state, _) in log.items() if state == "sent"} == {
        *((kind, "email") for kind in BY_MAIL),
        *((kind, "push") for kind in BY_PUSH),
    }
