"""Serve the links and forms of the folder storage. They are not in the documented API: clients get their addresses."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, cast

from sanic import HTTPResponse, Request
from sanic.headers import parse_content_header
from sanic.http import Http

from grome.common.errors import BodyTooLarge, Invalid, NotFound, UnsupportedMediaType
from grome.infrastructure.http import resolve
from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.storage.errors import AlreadyUploaded, FormExpired, LinkExpired
from grome.infrastructure.storage.form_body import FormBody
from grome.infrastructure.storage.links import PATH, FileLinks
from grome.infrastructure.storage.protocol import MissingFileError, Storage, attachment_disposition

# More than any form allows a file to have; the form itself has the limit of its file.
_MAX_BODY: Final = 2**26
_MAX_BOUNDARY: Final = 70  # RFC 2046, section 5.1.1
files = Pages("files", url_prefix=PATH)


@files.get("/<token:str>")
async def fetch_file(request: Request, token: str) -> None:
    """The signed link is the permission, and is valid for minutes."""
    links, storage = resolve(request, FileLinks), resolve(request, Storage)
    link = links.read(token)
    if link is None:
        raise NotFound
    if links.has_expired(link):
        raise LinkExpired
    try:
        async with storage.open(link.key) as file:
            headers = {
                "X-Request-ID": request_id(request),
                "Cache-Control": NO_STORE,
                "Content-Disposition": attachment_disposition(link.download_name),
                "Content-Length": str(file.size),
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Content-Type-Options": "nosniff",
            }
            response = await request.respond(headers=headers, content_type=link.content_type)
            async for chunk in file.chunks:
                await response.send(chunk)
            await response.eof()
    except MissingFileError:
        raise NotFound from None


@files.post("", stream=True)
async def store_file(request: Request) -> HTTPResponse:
    """The signed form is the permission: for one file of this size and type, once, for minutes."""
    links, storage = resolve(request, FileLinks), resolve(request, Storage)
    stream = cast(Http, request.stream)  # for HTTP/1.1, the only version that is served
    with _larger_body(stream):
        body = FormBody(aiter(stream), _boundary_of(request))
        fields = await body.read_fields()
        form = links.read_form(fields.get("token", ""))
        if form is None:
            raise NotFound
        if links.has_expired(form):
            raise FormExpired
        if fields.get("Content-Type") != form.content_type:
            raise UnsupportedMediaType(f"The form is for {form.content_type}.")
        if await storage.exists(form.key):
            raise AlreadyUploaded
        await storage.put(form.key, _exactly(body.file_chunks(), form.size))
    return HTTPResponse(status=204, headers={"X-Request-ID": request_id(request)})


@contextmanager
def _larger_body(stream: Http) -> Iterator[None]:
    """Allow a body with a file. Later requests on the connection have the ordinary limit."""
    ordinary, stream.request_max_size = stream.request_max_size, max(_MAX_BODY, stream.request_max_size)
    try:
        yield
    finally:
        stream.request_max_size = ordinary


def _boundary_of(request: Request) -> str:
    kind, parameters = parse_content_header(request.headers.get("content-type", ""))
    boundary = parameters.get("boundary")
    if kind != "multipart/form-data" or not isinstance(boundary, str) or not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise UnsupportedMediaType("Files are sent as multipart/form-data.")
    return boundary


async def _exactly(chunks: AsyncIterator[bytes], size: int) -> AsyncGenerator[bytes]:
    """Pass the chunks of a file of this size. Raises BodyTooLarge, and Invalid for a smaller file."""
    seen = 0
    async for chunk in chunks:
        seen += len(chunk)
        if seen > size:
            raise BodyTooLarge(f"The form is for a file of {size} bytes.")
        yield chunk
    if seen < size:
        raise Invalid("file", f"has {seen} bytes, not {size}")
