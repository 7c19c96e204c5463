"""Define the refusals of uploads."""

from uuid import UUID

from grome.common.errors import ApiError


class TooManyUploads(ApiError):
    """An account can have twenty uploads that are not attached to anything yet."""

    status, code, title = 429, "too_many_uploads", "Twenty of your uploads are not used yet; use them or wait"
    remedy = "Attach the uploads, or wait until unused uploads expire."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "600"})


class UploadRefused(ApiError):
    """The upload cannot be used; `errors` names its id and the reason."""

    status, code, title = 422, "upload_refused", "An upload cannot be used"
    remedy = "Upload the file again, in a form that the operation accepts, and use the new id."

    def __init__(self, upload_id: UUID, reason: str) -> None:
        super().__init__(f"The upload {upload_id} {reason}.", faults=((str(upload_id), reason),))
