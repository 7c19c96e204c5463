"""Request exports through the API, make them without a worker, and read their archives."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from grome.privacy.exporter import Exporter
from tests.builders.people import Person


@dataclass(frozen=True)
class ReadArchive:
    """An export as its owner downloads it."""

    lists: dict[str, list[dict[str, Any]]]
    files: dict[str, bytes]
    text: str

    @classmethod
    def of(cls, content: bytes) -> "ReadArchive":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            found = {name: archive.read(name) for name in archive.namelist()}
            assert len(found) == len(archive.namelist())
        lists = {name.removesuffix(".json"): json.loads(raw) for name, raw in found.items() if name.endswith(".json")}
        files = {name: raw for name, raw in found.items() if not name.endswith(".json")}
        return cls(lists, files, "\n".join(raw.decode() for name, raw in found.items() if name.endswith(".json")))


async def requested_export(http: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    answer = await http.post("/v1/me/export", headers=person.auth)
    assert answer.status_code == 202, answer.text
    export: dict[str, Any] = answer.json()
    return export


async def read_export(http: httpx.AsyncClient, person: Person, export_id: str) -> dict[str, Any]:
    answer = await http.get(f"/v1/me/exports/{export_id}", headers=person.auth)
    assert answer.status_code == 200, answer.text
    export: dict[str, Any] = answer.json()
    return export


async def exported(http: httpx.AsyncClient, container: Container, person: Person) -> ReadArchive:
    """Request, make and download an export."""
    export = await requested_export(http, person)
    await container.get(Exporter).make(UUID(export["id"]))
    found = await read_export(http, person, export["id"])
    assert found["state"] == "done", found
    file = await http.get(urlsplit(found["url"]).path)
    assert file.status_code == 200
    assert len(file.content) == found["size"]
    return ReadArchive.of(file.content)
