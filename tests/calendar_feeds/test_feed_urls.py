"""The secret address: whose it is, what ends it, and where it must not appear."""

import asyncio
import base64
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
import pytest
from loguru import logger

from config.settings import Settings
from grome.app import App
from grome.calendar_feeds.feed_urls import FeedUrls
from grome.common.ids import new_id
from grome.infrastructure.container import Container
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


async def test_it_stays_until_it_is_reset(http: httpx.AsyncClient) -> None:
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


async def test_resets_at_once_leave_one_good_address(http: httpx.AsyncClient) -> None:
    person = await register(http)
    urls = await asyncio.gather(*(reset(http, person) for _ in range(6)))
    assert len(set(urls)) == 6
    assert sorted([await status(http, url) for url in urls]) == [200] + [404] * 5
    assert await status(http, await address(http, person)) == 200


async def test_one_that_was_turned_off_is_good_for_nothing_and_never_again(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    """Nor is there meanwhile another one that only nobody has been told."""
    person = await register(http)
    before = await address(http, person)
    for _ in range(2):
        assert (await http.delete(CALENDAR, headers=person.auth)).status_code == 204
        assert (await http.get(CALENDAR, headers=person.auth)).json() == {"url": None}
        assert await status(http, before) == 404
    untold = FeedUrls(settings.accounts.signing_key, "http://x").build(person.id, 2)
    assert await status(http, untold) == 404
    again = await reset(http, person)
    assert [await status(http, url) for url in (again, before, untold)] == [200, 404, 404]


async def test_each_has_their_own(http: httpx.AsyncClient) -> None:
    one, other = await register(http), await register(http, role="barber")
    urls = await address(http, one), await address(http, other)
    assert urls[0] != urls[1]
    await reset(http, one)
    assert [await status(http, url) for url in urls] == [404, 200]


async def test_without_an_account_there_is_no_feed(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    url = await address(http, person)
    await container.database["users"].delete_one({"_id": person.id})
    assert_refused(await fetch(http, url), 404, "not_found", told=url)


async def test_admins_have_none(http: httpx.AsyncClient, container: Container, settings: Settings) -> None:
    """Else theirs would be everybody's visits."""
    boss = await create_admin(http, container)
    invented = FeedUrls(settings.accounts.signing_key, "http://x").build(boss.id, 0)
    assert_refused(await fetch(http, invented), 404, "not_found", told=invented)


async def test_nobody_can_make_one_up(http: httpx.AsyncClient) -> None:
    person = await register(http)
    token = token_of(await address(http, person))
    raw = base64.urlsafe_b64decode(token + "==")
    altered = [
        token[:-1],
        f"{token}A",
        f"{token}=",
        f"{'B' if token[0] == 'A' else 'A'}{token[1:]}",
        f"{token[:-1]}{'B' if token[-1] == 'A' else 'A'}",
        str(person.id),
        base64.urlsafe_b64encode(bytes(16) + person.id.bytes).decode().rstrip("="),
        base64.urlsafe_b64encode(raw[:16] + new_id().bytes).decode().rstrip("="),
        base64.b64encode(raw).decode().replace("/", "%2F"),
        "é" * 22,
        *("%ff", "%00", "x", "a.b.c", "x" * 5_000),
    ]
    for wrong in altered:
        if wrong != token:  # as the one in the other alphabet is now and then
            answer = await http.get(f"/v1/calendars/{wrong}/grome.ics")
            assert_refused(answer, 404, "not_found", told=wrong[:60])


async def test_nothing_stored_leads_to_it(http: httpx.AsyncClient, container: Container) -> None:
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

    async def test_has_no_address(self, http: httpx.AsyncClient, lines: list[str]) -> None:
        """Nor of one that was copied badly, since its token is good all the same."""
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
    async def test_has_every_id(self, http: httpx.AsyncClient, lines: list[str], path: str) -> None:
        await http.get(path)
        assert any(path in line for line in lines)
