"""Errors of the dashboard."""

from grome.common.errors import ApiError


class ForeignRequest(ApiError):
    """Another site, or a page without the token of the form, has sent the request with an operator's cookies."""

    status, code, title = 403, "foreign_request", "Only a page of this dashboard may send this"
    remedy = "Open the dashboard again and repeat the action there."


class JobEnded(ApiError):
    """The job has run to its end, so that it cannot be aborted."""

    status, code, title = 409, "job_ended", "The job has ended and cannot be aborted"
    remedy = "Load the list of jobs again."
