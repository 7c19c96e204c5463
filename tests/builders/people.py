"""Register people through the API, as a client does."""

import itertools
import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from grome.accounts.service import AccountService
from grome.infrastructure.container import Container

PASSWORD = "correct horse battery"
_counter = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """A person that is signed in. `auth` holds the headers to send."""

    id: UUID
    email: str
    access_token: str
    refresh_token: str

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


def new_email() -> str:
    return f"person-{next(_counter)}-{os.getpid()}@example.com"


def new_phone() -> str:
    return f"+4930{os.getpid() % 100_000:05}{next(_counter):05}"


def person_of(answer: dict[str, Any]) -> Person:
    user = answer["user"]
    return Person(UUID(user["id"]), user["email"], answer["access_token"], answer["refresh_token"])


async def register(http: httpx.AsyncClient, **changed: Any) -> Person:
    """Register a customer; `changed` replaces fields of the body."""
    wanted = {"email": new_email(), "password": PASSWORD, "name": "A person", "role": "customer", **changed}
    response = await http.post("/v1/auth/register", json=wanted)
    assert response.status_code == 201, response.text
    return person_of(response.json())


async def sign_in_again(http: httpx.AsyncClient, person: Person) -> Person:
    """Sign in again, after a test has moved the clock past the expiry of the access token."""
    response = await http.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD})
    assert response.status_code == 200, response.text
    return person_of(response.json())


async def create_admin(http: httpx.AsyncClient, container: Container) -> Person:
    email = new_email()
    made = await container.get(AccountService).create_admin(email, "An admin", PASSWORD)
    return await sign_in_again(http, Person(made.id, email, "", ""))
