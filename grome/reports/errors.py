"""Define the refusals of report requests."""

from grome.common.errors import ApiError


class TooManyReports(ApiError):
    status, code, title = 429, "too_many_reports", "Five of your reports are open already; try again later"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})
