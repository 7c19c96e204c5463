"""Serve `/v1/barbers/…/photos`, and the public files of photos. The documented API has only their addresses."""

import re
from typing import Final
from uuid import UUID

from sanic import HTTPResponse, Request

from grome.barbers.errors import ProfileMissing
from grome.common.actor import ANYONE, BARBERS, Actor
from grome.common.errors import NotFound, Unavailable
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.infrastructure.http.caching import IMMUTABLE, is_fresh, kept_for
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.storage.protocol import MissingFileError, Storage
from grome.photos.schemas import PortfolioIn, PortfolioOut
from grome.photos.service import PhotoService
from grome.uploads.errors import UploadRefused
from grome.uploads.models import PUBLIC

photos = Routes("photos", "/v1/barbers", about="The profile picture of a barber and photos of its work.")
photo_files = Pages("photo_files", url_prefix=f"/v1/{PUBLIC.rstrip('/')}")
_NAME: Final = re.compile(r"[0-9a-f]{32}-[0-9]{1,2}")
_FILE: Final = re.compile(r"[0-9]{2,4}\.jpg")


@photos.get("/{barber_id}/photos", who=ANYONE, refusals=(NotFound,), cache=kept_for(60))
async def read_photos(request: Request, barber_id: UUID) -> PortfolioOut:
    """Return a barber's profile picture and the photos of the barber's work."""
    return await resolve(request, PhotoService).read(barber_id)


@photos.get("/me/photos", who=BARBERS)
async def read_own_photos(request: Request, actor: Actor) -> PortfolioOut:
    """Return your profile picture and photos, also before you are approved."""
    return await resolve(request, PhotoService).read_own(actor)


@photos.put("/me/photos", who=BARBERS, limit=LimitClass.COSTLY, refusals=(ProfileMissing, UploadRefused, Unavailable))
async def put_photos(request: Request, actor: Actor, body: PortfolioIn) -> PortfolioOut:
    """Replace your profile picture and your photos, 20 at most.

    Everybody can see them. They are stored without the place and the other data that cameras add. 422 `upload_refused`
    names the upload and its fault in `errors`, e.g. a file of another type than announced.
    """
    return await resolve(request, PhotoService).put(actor, body)


@photo_files.get("/<name:str>/<file:str>")
async def fetch_photo(request: Request, name: str, file: str) -> HTTPResponse | None:
    """A photo is public, and the file at an address never changes."""
    if not (_NAME.fullmatch(name) and _FILE.fullmatch(file)):
        raise NotFound
    tag = f'"{name}-{file}"'
    headers = {
        "X-Request-ID": request_id(request),
        "Cache-Control": IMMUTABLE,
        "ETag": tag,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if is_fresh(request, tag):
        return HTTPResponse(status=304, headers=headers)
    try:
        async with resolve(request, Storage).open(f"{PUBLIC}{name}/{file}") as found:
            length = {"Content-Length": str(found.size)}
            response = await request.respond(headers={**headers, **length}, content_type="image/jpeg")
            async for chunk in found.chunks:
                await response.send(chunk)
            await response.eof()
    except MissingFileError:
        raise NotFound from None
    return None
