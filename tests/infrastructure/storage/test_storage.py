"""Files in a folder and in S3: one set of promises, held by both. S3 is moto's server."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec
import psutil
import pytest

from config.sections.servers import StorageSettings
from config.settings import Settings
from grome.app import App
from grome.common.clock import system_clock
from grome.common.errors import Unavailable
from grome.infrastructure.container import Container
from grome.infrastructure.storage.chunks import close, open_to_read
from grome.infrastructure.storage.folder import FolderStorage
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.opening import open_storage
from grome.infrastructure.storage.protocol import MissingFileError, Storage, checked_key
from grome.infrastructure.storage.s3 import PART, S3Storage
from tests.builders.keys import new_signing_key, secret_keys
from tests.support.eventually import until
from tests.support.processes import free_port
from tests.support.s3 import bucket

__all__ = ["bucket"]

NAME, TYPE = 'Umsätze; "März".csv', "text/csv; charset=utf-8"
BIG = os.urandom(2 * PART + 12_345)


@pytest.fixture(scope="module")
def links(app: App) -> FileLinks:
    container: Container = app.ctx.container
    return container.get(FileLinks)


@pytest.fixture(scope="module", params=["folder", "s3"])
async def storage(
    request: pytest.FixtureRequest, settings: Settings, bucket: StorageSettings, links: FileLinks
) -> AsyncIterator[Storage]:
    """The folder storage is the application's own, because its links lead to a route of the application."""
    chosen = settings.storage if request.param == "folder" else bucket
    opened = open_storage(msgspec.structs.replace(settings, storage=chosen), links)
    assert isinstance(opened, FolderStorage if request.param == "folder" else S3Storage)
    yield opened
    await opened.close()


@pytest.fixture
def key() -> str:
    return f"tests/{uuid4().hex}"


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def breaking(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content
    raise ConnectionAbortedError


async def read(storage: Storage, key: str) -> bytes:
    async with storage.open(key) as file:
        content = b"".join([chunk async for chunk in file.chunks])
        assert file.size == len(content)
        return content


async def keys(storage: Storage, prefix: str = "tests/") -> set[str]:
    return {key async for key in storage.keys(prefix)}


@pytest.mark.parametrize("content", [b"", b"a,b\r\n", BIG], ids=["empty", "small", "in parts"])
async def test_stored_file_exists_until_it_is_deleted(
    storage: Storage, key: str, tmp_path: Path, content: bytes
) -> None:
    local = tmp_path / "file"
    local.write_bytes(content)
    for source in (local, pieces(content[:1], content[1:])):
        assert await storage.put(key, source) == len(content)
        assert await storage.exists(key)
        assert await read(storage, key) == content
        assert key in await keys(storage)
        await storage.delete(key)
        assert not await storage.exists(key)
        assert key not in await keys(storage)
    await storage.delete(key)


async def test_unknown_file_is_missing(storage: Storage, key: str) -> None:
    for wrong in (key, "tests", f"{key}/below"):
        with pytest.raises(MissingFileError):
            await read(storage, wrong)
        assert not await storage.exists(wrong)
    assert await keys(storage, f"{key}/") == set()


async def test_copy_of_a_file_outlives_the_file(storage: Storage, key: str) -> None:
    with pytest.raises(MissingFileError):
        await storage.copy(key, f"{key}-copy")
    assert not await storage.exists(f"{key}-copy")
    for content in (BIG, b"new"):
        await storage.put(key, pieces(content))
        await storage.copy(key, f"{key}-copy")
    await storage.delete(key)
    assert await read(storage, f"{key}-copy") == b"new"


@pytest.mark.parametrize("first", [b"half", BIG], ids=["small", "in parts"])
async def test_interrupted_upload_stores_nothing(storage: Storage, key: str, first: bytes) -> None:
    """Neither a new file nor anything in the place of the old one."""
    with pytest.raises(ConnectionAbortedError):
        await storage.put(key, breaking(first))
    assert not await storage.exists(key)
    await storage.put(key, pieces(b"old"))
    with pytest.raises(ConnectionAbortedError):
        await storage.put(key, breaking(first))
    assert await read(storage, key) == b"old"
    assert await storage.drop_unfinished(datetime.now(UTC) + timedelta(minutes=1)) == 0


async def test_cancelled_upload_stores_nothing(storage: Storage, key: str) -> None:
    reached = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield BIG
        reached.set()
        await asyncio.sleep(60)

    putting = asyncio.create_task(storage.put(key, hanging()))
    await reached.wait()
    assert not await storage.exists(key)
    assert await keys(storage) & {key} == set()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert not await storage.exists(key)
    assert await storage.drop_unfinished(datetime.now(UTC) + timedelta(minutes=1)) == 0


async def test_abandoned_upload_is_removed_when_it_is_old(storage: Storage, key: str) -> None:
    reached, stopped = asyncio.Event(), asyncio.Event()

    async def dying() -> AsyncIterator[bytes]:
        yield BIG
        reached.set()
        await stopped.wait()

    putting = asyncio.create_task(storage.put(key, dying()))
    await reached.wait()
    # For moto, whatever was begun was begun in 2010.
    assert await storage.drop_unfinished(datetime(2010, 1, 1, tzinfo=UTC)) == 0
    assert await storage.drop_unfinished(datetime.now(UTC) + timedelta(minutes=1)) == 1
    stopped.set()
    await asyncio.wait({putting})
    assert putting.exception()
    assert not await storage.exists(key)


async def test_concurrent_reads_and_uploads_see_whole_files(storage: Storage, key: str) -> None:
    versions = [bytes([number]) * 300_000 for number in range(6)]
    await storage.put(key, pieces(versions[0]))

    async def read_often() -> None:
        for _ in range(10):
            assert await read(storage, key) in versions

    await asyncio.gather(read_often(), *(storage.put(key, pieces(version)) for version in versions))
    assert await read(storage, key) in versions


@pytest.mark.parametrize(
    "wrong", ["", "/etc/passwd", "../up", "a/../b", "a//b", ".parts/x", "a/.b", "A", "a b", "a\n", "ä", "a" * 201]
)
async def test_invalid_storage_key_is_refused(storage: Storage, wrong: str) -> None:
    with pytest.raises(ValueError, match="cannot be the key"):
        checked_key(wrong)
    for refused in (
        storage.put(wrong, pieces(b"")),
        storage.exists(wrong),
        storage.delete(wrong),
        read(storage, wrong),
    ):
        with pytest.raises(ValueError, match="cannot be the key"):
            await refused
    with pytest.raises(ValueError, match="cannot be the key"):
        await storage.signed_url(wrong, 60, NAME, TYPE)


def here(app: App, url: str) -> str:
    """Where links of ours lead, at the port that the application under test really has."""
    return app.ctx.base_url + urlsplit(url).path if "/v1/files/" in url else url


async def test_signed_link_downloads_the_file_without_sign_in(
    app: App, http: httpx.AsyncClient, storage: Storage, key: str
) -> None:
    await storage.put(key, pieces(BIG))
    url = here(app, await storage.signed_url(key, 60, NAME, TYPE))
    answer = await http.get(url)
    assert (answer.status_code, answer.content) == (200, BIG)
    assert answer.headers["content-type"] == TYPE
    assert answer.headers["content-length"] == str(len(BIG))
    saved_as = "attachment; filename=\"Umsatze_ _Marz_.csv\"; filename*=UTF-8''Ums%C3%A4tze%3B%20%22M%C3%A4rz%22.csv"
    assert answer.headers["content-disposition"] == saved_as
    await storage.delete(key)
    # S3 tells whether there is a file only to those who may list them all.
    assert (await http.get(url)).status_code in ({404} if "/v1/files/" in url else {403, 404})


async def test_unreachable_storage_raises_unavailable(
    settings: Settings, bucket: StorageSettings, links: FileLinks, tmp_path: Path, key: str
) -> None:
    nobody_there = msgspec.structs.replace(bucket, url=f"http://127.0.0.1:{free_port()}", timeout_s=0.5)
    no_folder = tmp_path / "files"
    no_folder.write_text("in the way")
    away: list[Storage] = [S3Storage(nobody_there), FolderStorage(no_folder, links)]
    for storage in away:
        with pytest.raises(Unavailable):
            await storage.put(key, pieces(b"content"))
        await storage.close()
    assert settings.storage.kind == "folder"


def test_file_link_with_an_invalid_signature_is_rejected(settings: Settings) -> None:
    key = settings.accounts.signing_key
    ours, others = (
        FileLinks(secret_keys(one), "https://grome.example", system_clock) for one in (key, new_signing_key())
    )
    url = ours.write("reports/1", 60, NAME, TYPE)
    assert url.startswith("https://grome.example/v1/files/")
    token = url.rpartition("/")[2]
    link = ours.read(token)
    assert link
    assert (link.key, link.download_name, link.content_type) == ("reports/1", NAME, TYPE)
    assert not ours.has_expired(link)
    assert others.read(token) is None
    for altered in (token[:-4], token[::-1], "A" + token[1:], token + "AAAA", "", "é", "a.b", "=" * 40):
        assert altered == token or ours.read(altered) is None


async def test_open_of_a_file_cancelled_meanwhile_keeps_no_file_open(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"content")
    opening = asyncio.create_task(open_to_read(path))
    await asyncio.sleep(0)  # the thread opens it now
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await until(lambda: str(path) not in {file.path for file in psutil.Process().open_files()})
    gc.collect()  # which would warn of a file that nothing closed


async def test_close_of_a_file_cancelled_before_its_turn_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"content")
    file, turn = await open_to_read(path), threading.Event()
    busy = [asyncio.to_thread(turn.wait) for _ in range(64)]  # more than there are threads
    waiting = asyncio.gather(*busy)
    await asyncio.sleep(0)
    closing = asyncio.create_task(close(file))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    turn.set()
    await waiting
    await until(lambda: file.closed)
