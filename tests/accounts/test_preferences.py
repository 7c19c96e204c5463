"""Preferences for messages, language and time zone."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.builders.people import Person, register

DEFAULTS = {
    "notifications": {"email": True, "push": True, "sms": False, "no_mail_about": []},
    "language": "en",
    "timezone": "UTC",
    "quiet_hours": None,
    "reminders": [24, 2],
    "show_last_seen": True,
}


async def change(http: httpx.AsyncClient, person: Person, **wanted: Any) -> httpx.Response:
    return await http.patch("/v1/me/preferences", json=wanted, headers=person.auth)


async def read(http: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/v1/me/preferences", headers=person.auth)).json()
    return found


async def test_preferences_that_are_omitted_stay(http: httpx.AsyncClient) -> None:
    person = await register(http)
    assert await read(http, person) == DEFAULTS
    changes: list[dict[str, Any]] = [
        {"notifications": {"sms": True}},
        {"language": "ar"},
        {"timezone": "America/Sao_Paulo"},
        {"quiet_hours": {"start": "22:15", "end": "06:45"}},
        {"reminders": [2]},
        {"show_last_seen": False},
        {"notifications": {"push": False, "no_mail_about": ["reviews"]}},
        {},
    ]
    expected: dict[str, Any] = dict(DEFAULTS)
    for wanted in changes:
        rest = {name: value for name, value in wanted.items() if name != "notifications"}
        notifications = {**expected["notifications"], **wanted.get("notifications", {})}
        expected = {**expected, **rest, "notifications": notifications}
        assert (await change(http, person, **wanted)).json() == expected
        assert await read(http, person) == expected
    assert (await change(http, person, quiet_hours=None)).json()["quiet_hours"] is None
    assert (await http.get("/v1/me", headers=person.auth)).json()["preferences"] == await read(http, person)


async def test_concurrent_preference_changes_all_stay(http: httpx.AsyncClient) -> None:
    person = await register(http)
    changes: list[dict[str, Any]] = [
        {"language": "ja"},
        {"timezone": "Asia/Tokyo"},
        {"reminders": []},
        {"notifications": {"sms": True}},
        {"notifications": {"email": False}},
    ]
    answers = await asyncio.gather(*(change(http, person, **wanted) for wanted in changes))
    assert {answer.status_code for answer in answers} == {200}
    found = await read(http, person)
    assert (found["language"], found["timezone"], found["reminders"]) == ("ja", "Asia/Tokyo", [])
    assert found["notifications"] == {"email": False, "push": True, "sms": True, "no_mail_about": []}


async def test_duplicates_in_preference_lists_are_dropped(http: httpx.AsyncClient) -> None:
    answer = await change(
        http, await register(http), reminders=[2, 2], notifications={"no_mail_about": ["reviews", "reviews"]}
    )
    assert (answer.json()["reminders"], answer.json()["notifications"]["no_mail_about"]) == ([2], ["reviews"])


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"language": "pt"}, "language"),
        ({"language": None}, "language"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"timezone": "localtime"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"quiet_hours": {"start": "22:00"}}, "quiet_hours.end"),
        ({"quiet_hours": {"start": "22:00", "end": "24:00"}}, "quiet_hours.end"),
        ({"quiet_hours": {"start": "22:00\n", "end": "23:00"}}, "quiet_hours.start"),
        ({"quiet_hours": {"start": "22:00", "end": "22:00"}}, "quiet_hours.end"),
        ({"reminders": [1]}, "reminders[0]"),
        ({"reminders": [24, 2, 24]}, "reminders"),
        ({"reminders": None}, "reminders"),
        ({"notifications": {"fax": True}}, "notifications.fax"),
        ({"notifications": {"no_mail_about": ["security"]}}, "notifications.no_mail_about[0]"),
        ({"role": "admin"}, "role"),
    ],
)
async def test_invalid_preferences_are_named_and_change_nothing(
    http: httpx.AsyncClient, wanted: dict[str, Any], field: str
) -> None:
    person = await register(http)
    refused = await change(http, person, **wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in refused.json()["errors"]] == [field]
    assert await read(http, person) == DEFAULTS
