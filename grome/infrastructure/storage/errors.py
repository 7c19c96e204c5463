"""The refusals that links and forms for files give."""

from grome.common.errors import ApiError


class LinkExpired(ApiError):
    status, code, title = 403, "link_expired", "This link has expired; request a new link"


class FormExpired(ApiError):
    status, code, title = 403, "form_expired", "This form has expired; request a new form"


class AlreadyUploaded(ApiError):
    status, code, title = 409, "already_uploaded", "The file of this form is stored already"
