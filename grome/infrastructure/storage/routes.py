"""`/v1/files/<token>`: where links of ours lead. No part of the documented API, for nobody makes up such an address."""

import time

from sanic import Request

from grome.common.errors import NotFound
from grome.infrastructure.http import resolve
from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.routing import log_response
from grome.infrastructure.storage.errors import LinkExpired
from grome.infrastructure.storage.links import PATH, FileLinks
from grome.infrastructure.storage.protocol import MissingFileError, Storage, attachment_disposition

files = Pages("files", url_prefix=PATH)


@files.get("/<token:str>")
async def fetch_file(request: Request, token: str) -> None:
    """The signed link is the permission, and is valid for minutes."""
    started = time.perf_counter()
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
    if request.app.config.ACCESS_LOG_LINES:  # without the token, which would let whoever reads the log fetch the file
        log_response(request_id(request), request.method, f"{PATH}/…", 200, started, request.ip)
