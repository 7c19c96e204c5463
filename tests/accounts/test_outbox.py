"""Events of an account are stored in the same write as the change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from grome.accounts.models import LoginSession, User
from grome.accounts.repository import SESSIONS, USERS
from grome.accounts.service import AccountService
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client, Database, from_document
from grome.migrations import m0003_effects
from tests.builders.people import PASSWORD, Person, create_admin, new_email, person_of, register


async def stored(container: Container, person: Person) -> User:
    document = await container.database["users"].find_one({"_id": person.id})
    assert document is not None
    return from_document(document, User)


async def log_in(http: httpx.AsyncClient, person: Person, agent: str = "a browser", **device: str) -> Person:
    given = {"email": person.email, "password": PASSWORD, **({"device": device} if device else {})}
    return person_of((await http.post("/v1/auth/login", json=given, headers={"User-Agent": agent})).json())


async def notices(container: Container, person: Person) -> list[str | None]:
    """Return the type of each session's notice, the oldest session first."""
    found = container.database["sessions"].find({"user_id": person.id}).sort("_id", 1)
    sessions = [from_document(document, LoginSession) async for document in found]
    return [session.notice.type.value if session.notice else None for session in sessions]


async def test_registration_stores_its_event_with_the_account(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http, device={"id": "phone"})
    user = await stored(container, person)
    (event,) = user.outbox
    assert event.type.value == "account.registered"
    assert abs(event.at - user.created_at) < timedelta(seconds=5)
    assert await notices(container, person) == [None]
    assert "outbox" not in (await http.get("/v1/me", headers=person.auth)).json()


async def test_created_admin_has_no_registration_event(http: httpx.AsyncClient, container: Container) -> None:
    boss = await create_admin(http, container)
    assert (await stored(container, boss)).outbox == []
    assert await notices(container, boss) == [None]


async def test_new_device_is_noticed_once(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http, device={"id": "phone"})
    await log_in(http, person, id="phone")
    await log_in(http, person, id="tablet", name="Tablet")
    await log_in(http, person, id="tablet")
    assert await notices(container, person) == [None, None, "account.new_device", None]


async def test_notice_leads_to_its_device(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http, device={"id": "phone"})
    await log_in(http, person, id="tablet", name="Tablet")
    session = await container.database["sessions"].find_one({"user_id": person.id, "device.id": "tablet"})
    assert session is not None
    event_id: UUID = session["notice"]["id"]
    device = await container.get(AccountService).find_notice_device(person.id, event_id)
    assert device is not None
    assert device.name == "Tablet"
    assert await container.get(AccountService).find_notice_device(UUID(int=1), event_id) is None


async def test_login_without_a_device_id_is_noticed(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http, device={"id": "phone"})
    for agent in ("a browser", "a browser", "another"):
        await log_in(http, person, agent)
    assert await notices(container, person) == [None, "account.new_device", None, "account.new_device"]


async def test_first_login_after_all_sessions_expired_is_not_noticed(
    http: httpx.AsyncClient, container: Container
) -> None:
    """Sessions, and with them known devices, are deleted when their refresh tokens expire."""
    person = await register(http, device={"id": "phone"})
    await container.database["sessions"].delete_many({"user_id": person.id})
    await log_in(http, person, id="tablet")
    assert await notices(container, person) == [None]


async def test_backfill_completes_accounts_and_sessions_of_earlier_releases(container: Container) -> None:
    options = container.database.codec_options
    database: Database = container.get(Client).get_database(f"{container.database.name}_effects", codec_options=options)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    notifications = {"email": False, "push": True, "sms": False}
    user: dict[str, Any] = {
        "_id": UUID(int=1), "email": new_email(), "phone": None, "password_hash": "", "name": "Ada", "role": "customer",
        "email_verified": False, "phone_verified": False, "created_at": at,
        "preferences": {"notifications": notifications, "language": "en", "timezone": "Asia/Tokyo"},
    }  # fmt: skip
    session: dict[str, Any] = {
        "_id": UUID(int=2), "user_id": UUID(int=1), "role": "customer", "token_hash": b"", "previous_hash": None,
        "rotated_at": at, "device": dict.fromkeys(("id", "name", "platform", "user_agent", "ip")), "first_seen": at,
        "last_seen": at, "expires_at": datetime(2126, 1, 1, tzinfo=UTC), "revoked_at": None, "revoked_why": None,
    }  # fmt: skip
    try:
        await database["users"].insert_one(user)
        await database["sessions"].insert_one(session)
        for _ in range(2):
            await m0003_effects.up(database)
        for spec in (USERS, SESSIONS):
            assert await database[spec.name].count_documents(spec.validator) == 1
        found = from_document(await database["users"].find_one() or {}, User)
        assert (found.outbox, found.preferences.timezone, found.preferences.reminders) == ([], "Asia/Tokyo", (24, 2))
        assert found.preferences.notifications.email is False
        assert from_document(await database["sessions"].find_one() or {}, LoginSession).notice is None
    finally:
        await container.get(Client).drop_database(database.name)
