"""Serve `/v1/uploads`."""

from sanic import Request

from grome.common.actor import SIGNED_IN, Actor
from grome.common.errors import TooManyRequests
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.uploads.errors import TooManyUploads
from grome.uploads.schemas import UploadIn, UploadOut
from grome.uploads.service import UploadService

uploads = Routes(
    "uploads", "/v1/uploads", about="Forms for the upload of photos and documents straight to the storage."
)


@uploads.post("", who=SIGNED_IN, limit=LimitClass.COSTLY, status=201, refusals=(TooManyUploads, TooManyRequests))
async def create_upload(request: Request, actor: Actor, body: UploadIn) -> UploadOut:
    """Announce a file, and get the form for its upload.

    The form takes exactly the announced size and content type. A repeat of the request returns another form; an upload
    that is not used within two hours is removed with its file. 429 `too_many_uploads` means that twenty uploads wait
    for their use.
    """
    return await resolve(request, UploadService).create(actor, body)
