"""Test secret feed URLs: owner, end, and absence from logs."""

import asyncio
import base64
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import pytest
from loguru import logger

from grome.app import App
from grome.calendar_feeds.feed_urls import FeedUrls
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.secret_keys import SecretKeys
from tests.api.problems import assert_refused
from tests.builders.calendars import address, fetch, token_of
from tests.builders.people import Person, create_admin, register

CALENDAR = "/v1/me/calendar"


async def reset(http: httpx.AsyncClient, person: Person) -> str:
    response = await http.post(f"{CALENDAR}/reset", headers=person.auth)
    assert response.status_code == 200, response.text
    return str(response.json()["url"])


async def status(http: httpx.AsyncClient, url: str) -> int:
    return (await fetch(http, url)).status_code


async def test_feed_url_is_stable_until_reset(http: httpx.AsyncClient) -> None:
    person = await register(http)
    first = await address(http, person)
    assert first == await address(http, person)
    assert await status(http, first) == 200
    urls = [first]
    for _ in range(3):
        urls.append(await reset(http, person))
        assert urls[-1] == await address(http, person)
        assert [await status(http, url) for url in urls] == [404] * (len(urls) - 1) + [200]
    assert len(set(urls)) == len(urls)


async def test_concurrent_resets_leave_one_valid_url(http: httpx.AsyncClient) -> None:
    person = await register(http)
    urls = await asyncio.gather(*(reset(http, person) for _ in range(6)))
    assert len(set(urls)) == 6
    assert sorted([await status(http, url) for url in urls]) == [200] + [404] * 5
    assert await status(http, await address(http, person)) == 200


async def test_url_of_a_feed_turned_off_never_works_again(http: httpx.AsyncClient, container: Container) -> None:
    """Turning off leaves no other valid URL that was never returned."""
    person = await register(http)
    before = await address(http, person)
    for _ in range(2):
        assert (await http.delete(CALENDAR, headers=person.auth)).status_code == 204
        assert (await http.get(CALENDAR, headers=person.auth)).json() == {"url": None}
        assert await status(http, before) == 404
    untold = FeedUrls(container.get(SecretKeys), "http://x").build(person.id, 2)
    assert await status(http, untold) == 404
    again = await reset(http, person)
    assert [await status(http, url) for url in (again, before, untold)] == [200, 404, 404]


async def test_feed_urls_differ_by_user(http: httpx.AsyncClient) -> None:
    one, other = await register(http), await register(http, role="barber")
    urls = await address(http, one), await address(http, other)
    assert urls[0] != urls[1]
    await reset(http, one)
    assert [await status(http, url) for url in urls] == [404, 200]


async def test_feed_of_a_deleted_account_is_not_found(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    url = await address(http, person)
    await container.database["users"].delete_one({"_id": person.id})
    assert_refused(await fetch(http, url), 404, "not_found", told=url)


async def test_admins_have_no_feed(http: httpx.AsyncClient, container: Container) -> None:
    """An create_admin's feed would contain everybody's visits."""
    boss = await create_admin(http, container)
    invented = FeedUrls(container.get(SecretKeys), "http://x").build(boss.id, 0)
    assert_refused(await fetch(http, invented), 404, "not_found", told=invented)


async def test_altered_feed_url_is_not_found(http: httpx.AsyncClient) -> None:
    person = await register(http)
    token = token_of(await address(http, person))
    payload, _, signature = token.partition(".")
    foreign = base64.urlsafe_b64encode(msgspec.json.encode([new_id(), 0])).decode().rstrip("=")
    altered = [
        token[:-1],
        f"{token}A",
        f"{token}=",
        f"{'B' if token[0] == 'A' else 'A'}{token[1:]}",
        f"{token[:-1]}{'B' if token[-1] == 'A' else 'A'}",
        str(person.id),
        base64.urlsafe_b64encode(bytes(16) + person.id.bytes).decode().rstrip("="),
        f"{foreign}.{signature}",
        f"{payload}.{signature.replace('-', '+').replace('_', '%2F')}",
        "é" * 22,
        *("%ff", "%00", "x", "a.b.c", "x" * 5_000),
    ]
    for wrong in altered:
        if wrong != token:  # as the one in the other alphabet is now and then
            answer = await http.get(f"/v1/calendars/{wrong}/grome.ics")
            assert_refused(answer, 404, "not_found", told=wrong[:60])


async def test_feed_token_is_not_stored(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    await reset(http, person)
    stored = await container.database["calendars"].find_one({"_id": person.id})
    assert stored is not None
    assert stored.pop("changed_at")
    assert stored == {"_id": person.id, "generation": 1, "is_on": True}


class TestLog:
    @pytest.fixture
    def lines(self, app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        monkeypatch.setitem(app.config, "ACCESS_LOG_LINES", True)
        written: list[str] = []
        sink = logger.add(lambda message: written.append(f"{message} {message.record['extra']}"), level="DEBUG")
        yield written
        logger.remove(sink)

    async def test_log_has_no_feed_token(self, http: httpx.AsyncClient, lines: list[str]) -> None:
        """Covers a miscopied URL, too, because its token is still valid."""
        path = urlsplit(await address(http, await register(http))).path
        token = path.split("/")[3]
        asked = [
            ("GET", path),
            ("HEAD", path),
            ("GET", f"{path}?x=1"),
            ("POST", path),
            ("GET", f"{path}/"),
            ("GET", f"/{path}"),
            ("GET", path.upper().replace(token.upper(), token)),
            ("GET", path.removesuffix("/grome.ics")),
            ("GET", path.replace("/grome", ".grome")),
            ("GET", path.replace("calendars", "calendar")),
            ("GET", path.replace(token, f"%20{token}")),
            ("GET", path.replace(token, quote(token[:5]) + f"%{ord(token[5]):02x}" + token[6:])),
        ]
        for method, mangled in asked:
            await http.request(method, mangled)
        assert len([line for line in lines if "/…" in line]) >= len(asked)
        assert not any(token[8:] in line for line in lines)
        assert any(" /v1/calendars/…/grome.ics " in line for line in lines)

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/bookings/01890a5d-ac96-774b-bcce-b302099a8057/calendar.ics",
            "/v1/admin/jobs/01890a5d-ac96-774b-bcce-b302099a8057:notify:booking_accepted:01890a5d-ac96-774b:email",
            "/v1/admin/jobs/01890a5d-ac96-774b-bcce-b302099a8057%3Anotify%3Abooking_accepted%3Aemail/retry",
        ],
    )
    async def test_log_has_every_id(self, http: httpx.AsyncClient, lines: list[str], path: str) -> None:
        await http.get(path)
        assert any(path in line for line in lines)
