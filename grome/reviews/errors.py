"""The errors of reviews."""

from grome.common.errors import ApiError


class VisitNotCompleted(ApiError):
    """Reviews are for visits that took place."""

    status, code, title = 409, "visit_not_completed", "Only a completed visit can be reviewed"
    remedy = "Offer the review once the booking is completed."


class ReviewExists(ApiError):
    """A visit can be reviewed once, even if the review was removed."""

    status, code, title = 409, "review_exists", "This visit has been reviewed; a removed review cannot be written again"
    remedy = "Show the review that exists, and change it while that is possible."


class ReviewClosed(ApiError):
    """Reviews can be changed for a limited time, which has passed."""

    status, code, title = 409, "review_closed", "This review can no longer be changed"
    remedy = "Show the review without the means to change it."
