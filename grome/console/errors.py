"""Errors of the dashboard."""

from grome.common.errors import ApiError


class ForeignRequest(ApiError):
    """Raised if another site sends a request with an operator's cookies."""

    status, code, title = 403, "foreign_request", "Only a page of this dashboard may send this"


class JobEnded(ApiError):
    """Raised for an ended job, since SAQ would mark the job as aborting for ever."""

    status, code, title = 409, "job_ended", "The job has ended and cannot be aborted"
