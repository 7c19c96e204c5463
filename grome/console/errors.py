"""Every refusal that the dashboard gives beside those of accounts."""

from grome.common.errors import ApiError


class ForeignRequest(ApiError):
    """Another site may not use an operator's cookies."""

    status, code, title = 403, "foreign_request", "Only a page of this dashboard may send this"


class JobEnded(ApiError):
    """SAQ would mark an ended job as one being aborted, which no worker will ever come by to finish."""

    status, code, title = 409, "job_ended", "The job has ended and cannot be aborted"
