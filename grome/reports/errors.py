"""Define the refusals of report requests."""

from grome.common.errors import ApiError


class TooManyReports(ApiError):
    """An account can have five reports in preparation at a time."""

    status, code, title = 429, "too_many_reports", "Five of your reports are open already; try again later"
    remedy = "Wait until a report is ready, then request the next."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "30"})
