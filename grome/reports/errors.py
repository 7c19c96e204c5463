"""Every refusal that reports give."""

from grome.common.errors import ApiError


class TooManyReports(ApiError):
    status, code, title = 429, "too_many_reports", "So many reports of yours are being made that this one has to wait"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})


class TooLongError(Exception):
    """No refusal: a job finds that a PDF would have more rows than one takes."""
