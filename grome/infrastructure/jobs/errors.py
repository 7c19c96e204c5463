"""Exceptions that a job raises to end its try, and errors that operators get."""

from grome.common.errors import ApiError


class PermanentJobError(Exception):
    """Raised by a job that would fail at every further try; the job becomes dead at once."""


class RetryLaterError(Exception):
    """Raised by a job that has to be retried after a given time, e.g. because of `Retry-After`.

    `by_recipient` is true if the recipient's side asked for the delay; see
    `grome.infrastructure.transient_errors.RecipientError`.
    """

    def __init__(self, reason: str, seconds: float, *, by_recipient: bool = False) -> None:
        super().__init__(reason)
        self.seconds, self.by_recipient = seconds, by_recipient


class PostponedError(Exception):
    """Raised by a job that has to wait; it runs again after `seconds` without counting a try."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class UndeliverableError(Exception):
    """Raised if the recipient refuses permanently; the job ends as done, with the error as its outcome."""


class WrongJobState(ApiError):
    """The state of the job does not allow the action, e.g. because it has run meanwhile."""

    status, code, title = 409, "wrong_job_state", "The job is not in a state that allows this"
    remedy = "Read the job again; `detail` names its state."
