"""The refusal that links to files give."""

from grome.common.errors import ApiError


class LinkExpired(ApiError):
    status, code, title = 403, "link_expired", "This link was good for a while only; ask for a new one"
