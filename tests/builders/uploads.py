"""Upload files through the API, as a client does."""

from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from tests.builders.images import image, read_image
from tests.builders.people import Person

PNG: Final = image()


async def announce(http: httpx.AsyncClient, person: Person, size: int = len(PNG), **changed: Any) -> dict[str, Any]:
    """Return a new upload of a PNG image for a message, with its form."""
    wanted = {"purpose": "message", "content_type": "image/png", "size": size, **changed}
    response = await http.post("/v1/uploads", json=wanted, headers=person.auth)
    assert response.status_code == 201, response.text
    announced: dict[str, Any] = response.json()
    return announced


async def send_form(
    http: httpx.AsyncClient, announced: dict[str, Any], content: bytes = PNG, **changed: str
) -> httpx.Response:
    fields = {**announced["fields"], **changed}
    return await http.post(here(announced["url"]), data=fields, files={"file": ("a.png", content)})


async def upload(
    http: httpx.AsyncClient, person: Person, content: bytes = PNG, sent: bytes | None = None, **changed: Any
) -> UUID:
    """Announce a file, send it or `sent` in its place, and return the id of the upload."""
    announced = await announce(http, person, len(content), **changed)
    response = await send_form(http, announced, content if sent is None else sent)
    assert response.status_code == 204, response.text
    return UUID(announced["id"])


def is_re_encoded(content: bytes, original: bytes = PNG) -> bool:
    """Return whether this is a JPEG image as large as the uploaded image."""
    read = read_image(content)
    return read.format == "JPEG" and read.size == read_image(original).size


def here(url: str) -> str:
    """Return where a URL of ours leads, at the port of the application under test."""
    return urlsplit(url).path if "/v1/files" in url else url
