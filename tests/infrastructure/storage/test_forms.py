"""Forms of the folder storage: one file of the announced size and type, once, while the form is valid."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grome.app import App
from grome.common.errors import MalformedBody
from grome.infrastructure.container import Container
from grome.infrastructure.storage.form_body import FormBody
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.protocol import MissingFileError, Storage, UploadForm
from tests.conftest import AdjustableClock

TYPE: Final = "image/png"
CONTENT: Final = b"\r\n--content--\r\n" * 200_000  # 3 MB: more than other requests may have


class Sender:
    """Sends forms to the application under test."""

    def __init__(self, app: App, http: httpx.AsyncClient) -> None:
        container: Container = app.ctx.container
        self._http, self._links, self._storage = http, container.get(FileLinks), container.get(Storage)
        self.key = f"tests/{uuid4().hex}"

    def form(self, size: int = len(CONTENT), seconds: int = 60) -> UploadForm:
        return self._links.write_form(self.key, size, TYPE, seconds)

    async def send(self, form: UploadForm, content: bytes = CONTENT, **changed: str) -> httpx.Response:
        fields = {**form.fields, **changed}
        return await self._http.post("/v1/files", data=fields, files={"file": ("name.png", content, TYPE)})

    async def post(self, **request: Any) -> httpx.Response:
        return await self._http.post("/v1/files", **request)

    async def stored(self) -> bytes | None:
        try:
            async with self._storage.open(self.key) as file:
                return b"".join([chunk async for chunk in file.chunks])
        except MissingFileError:
            return None


@pytest.fixture
def sender(app: App, http: httpx.AsyncClient) -> Sender:
    return Sender(app, http)


async def test_form_stores_its_file_once(sender: Sender) -> None:
    answer = await sender.send(sender.form())
    assert (answer.status_code, answer.content) == (204, b"")
    assert await sender.stored() == CONTENT
    again = await sender.send(sender.form(), b"2" * len(CONTENT))
    assert (again.status_code, again.json()["code"]) == (409, "already_uploaded")
    assert await sender.stored() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT) - 1, 10, len(CONTENT) + 1])
async def test_form_with_a_file_of_another_size_is_refused(sender: Sender, size: int) -> None:
    answer = await sender.send(sender.form(size))
    expected = (413, "body_too_large") if size < len(CONTENT) else (422, "invalid")
    assert (answer.status_code, answer.json()["code"]) == expected
    assert await sender.stored() is None


async def test_form_of_another_type_or_without_a_valid_token_is_refused(sender: Sender, clock: AdjustableClock) -> None:
    form = sender.form(5)
    link = UploadForm(form.url, {**form.fields, "token": form.fields["token"][:-4] + "AAAA"})
    refusals = [
        (await sender.send(form, b"12345", **{"Content-Type": "text/html"}), 415, "unsupported_media_type"),
        (await sender.send(link, b"12345"), 404, "not_found"),
        (await sender.post(data=form.fields), 415, "unsupported_media_type"),
        (await sender.post(json=form.fields), 415, "unsupported_media_type"),
        (await sender.post(data={**form.fields}, files={"other": b"12345"}), 400, "malformed_body"),
        (await sender.post(files={"file": b"12345"}), 404, "not_found"),
    ]
    clock.shift = timedelta(seconds=60)
    refusals.append((await sender.send(form, b"12345"), 403, "form_expired"))
    for answer, status, code in refusals:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await sender.stored() is None


async def test_larger_body_is_allowed_for_the_form_only(sender: Sender, http: httpx.AsyncClient) -> None:
    """On the same connection."""
    assert (await sender.send(sender.form())).status_code == 204
    assert (await http.post("/v1/auth/login", content=CONTENT)).status_code == 413


async def test_body_that_breaks_off_stores_nothing(app: App, sender: Sender) -> None:
    host, port = app.ctx.base_url.removeprefix("http://").split(":")
    request = httpx.Request("POST", app.ctx.base_url, data=sender.form().fields, files={"file": CONTENT})
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/files HTTP/1.1\r\nHost: {host}\r\nContent-Type: {request.headers['content-type']}\r\n"
    writer.write(f"{head}Content-Length: {request.headers['content-length']}\r\n\r\n".encode() + request.read()[:-100])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    # The second form waits behind the first in no queue, and is the only file that arrives whole.
    assert (await sender.send(sender.form(5), b"12345")).status_code == 204
    assert await sender.stored() == b"12345"


BOUNDARY: Final = "x"
HEAD: Final = b'Content-Disposition: form-data; name="%b"\r\n\r\n'


def form_of(content: bytes) -> bytes:
    field, file = HEAD % b"token", HEAD.replace(b"\r\n\r\n", b"; filename=a\r\nContent-Type: a/b\r\n\r\n") % b"file"
    return b"--x\r\n" + field + b"a-token\r\n--x\r\n" + file + content + b"\r\n--x--\r\n"


async def pieces(body: bytes, lengths: Sequence[int]) -> AsyncIterator[bytes]:
    for length in lengths:
        yield body[:length]
        body = body[length:]
    yield body


@given(
    st.lists(st.sampled_from([b"\r\n", b"--x", b"\r", b"-", b"content", b"\r\n--", b"--"])).map(b"".join),
    st.lists(st.integers(1, 9)),
)
@example(b"", [1] * 200)
@example(b"\r\n--\r\n-", [1] * 300)
async def test_form_body_in_any_pieces_is_read_the_same(content: bytes, lengths: list[int]) -> None:
    end = content.find(b"\r\n--x")
    body = FormBody(pieces(form_of(content), lengths), BOUNDARY)
    assert await body.read_fields() == {"token": "a-token"}
    assert b"".join([chunk async for chunk in body.file_chunks()]) == (content if end < 0 else content[:end])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--\r\n",
        b"--y\r\n" + HEAD % b"file",
        form_of(b"")[:-9],
        b"--x\r\n\r\n\r\n--x--\r\n",
        b"--x\r\n" + HEAD % b"a" + b"1" * 5_000,
        b"--x\r\n" + HEAD % b"a" + b"\xff\r\n--x--\r\n",
        (b"--x\r\n" + HEAD + b"\r\n") % b"a" * 2,
        b"".join(b"--x\r\n" + HEAD % str(number).encode() + b"1\r\n" for number in range(30)),
    ],
)
async def test_malformed_form_body_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        await read_whole(FormBody(pieces(body, []), BOUNDARY))


async def read_whole(body: FormBody) -> bytes:
    await body.read_fields()
    return b"".join([chunk async for chunk in body.file_chunks()])
