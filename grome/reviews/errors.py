"""Every refusal that reviews give."""

from grome.common.errors import ApiError


class VisitNotCompleted(ApiError):
    status, code, title = 409, "visit_not_completed", "Only a visit that took place can be reviewed"


class ReviewExists(ApiError):
    status, code, title = 409, "review_exists", "This visit has been reviewed; who takes a review back writes no other"


class ReviewClosed(ApiError):
    status, code, title = 409, "review_closed", "It is too late to change this review"
