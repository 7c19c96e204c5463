"""Define the refusals of report requests and the failure of a long PDF."""

from grome.common.errors import ApiError


class TooManyReports(ApiError):
    status, code, title = 429, "too_many_reports", "Five of your reports are open already; try again later"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})


class TooLongError(Exception):
    """Raised in a job if a PDF would exceed its limit of rows; never sent to a client."""
