"""The refusals that links and forms for files give."""

from grome.common.errors import ApiError


class LinkExpired(ApiError):
    """Links to files are valid for a limited time."""

    status, code, title = 403, "link_expired", "This link has expired; request a new link"
    remedy = "Read the object again; it has a new link."


class FormExpired(ApiError):
    """Forms for uploads are valid for a limited time."""

    status, code, title = 403, "form_expired", "This form has expired; request a new form"
    remedy = "Request a new form by `POST /v1/uploads`, and send the file at once."


class AlreadyUploaded(ApiError):
    """A form stores a single file, and the file is there."""

    status, code, title = 409, "already_uploaded", "The file of this form is stored already"
    remedy = "Use the upload, or request a form for another file."
