"""The errors of reviews."""

from grome.common.errors import ApiError


class VisitNotCompleted(ApiError):
    status, code, title = 409, "visit_not_completed", "Only a completed visit can be reviewed"


class ReviewExists(ApiError):
    status, code, title = 409, "review_exists", "This visit has been reviewed; a removed review cannot be written again"


class ReviewClosed(ApiError):
    status, code, title = 409, "review_closed", "This review can no longer be changed"
