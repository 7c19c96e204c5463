"""Send, mark and report messages of a booking through the API."""

import itertools
import os
from typing import Any

import httpx

from tests.builders.people import Person

_keys = itertools.count(1)


def new_key() -> str:
    return f"{os.getpid()}-{next(_keys)}"


async def try_send(
    http: httpx.AsyncClient, person: Person, booking: dict[str, Any], text: str = "", **fields: Any
) -> httpx.Response:
    """Send a message under a new key, unless `fields` have one."""
    body = {"key": new_key(), "text": text, **fields}
    return await http.post(f"/v1/bookings/{booking['id']}/messages", json=body, headers=person.auth)


async def send(
    http: httpx.AsyncClient, person: Person, booking: dict[str, Any], text: str = "", **fields: Any
) -> dict[str, Any]:
    """Send a message, and return it."""
    return _created(await try_send(http, person, booking, text, **fields))


async def conversation(http: httpx.AsyncClient, person: Person, booking: dict[str, Any]) -> dict[str, Any]:
    """Return the first page of messages, with the state of the conversation."""
    response = await http.get(f"/v1/bookings/{booking['id']}/messages", headers=person.auth)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def mark(http: httpx.AsyncClient, person: Person, message: dict[str, Any], kind: str = "read") -> dict[str, Any]:
    """Mark the messages up to this message as `read` or `delivered`, and return the marks."""
    path = f"/v1/bookings/{message['booking_id']}/messages/{kind}"
    response = await http.post(path, json={"message": message["id"]}, headers=person.auth)
    assert response.status_code == 200, response.text
    marks: dict[str, Any] = response.json()
    return marks


async def change(
    http: httpx.AsyncClient, person: Person, message: dict[str, Any], text: str | None = None
) -> httpx.Response:
    """Edit a message, or delete it if there is no new text."""
    path = f"/v1/bookings/{message['booking_id']}/messages/{message['id']}"
    if text is None:
        return await http.delete(path, headers=person.auth)
    return await http.patch(path, json={"text": text}, headers=person.auth)


async def block(http: httpx.AsyncClient, person: Person, other: Person, method: str = "PUT") -> httpx.Response:
    return await http.request(method, f"/v1/me/blocks/{other.id}", headers=person.auth)


async def report_message(
    http: httpx.AsyncClient, person: Person, message: dict[str, Any], reason: str = "Rude."
) -> dict[str, Any]:
    path = f"/v1/bookings/{message['booking_id']}/messages/{message['id']}/report"
    return _created(await http.post(path, json={"reason": reason}, headers=person.auth))


def _created(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created
