"""The refusal that links to files give."""

from grome.common.errors import ApiError


class LinkExpired(ApiError):
    status, code, title = 403, "link_expired", "This link has expired; request a new link"
