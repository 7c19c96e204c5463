"""How a try ends other than well, and what operators are refused."""

from grome.common.errors import ApiError


class PermanentJobError(Exception):
    """Raised by a job that no further try can help: it is dead at once, for the reason given."""


class RetryLaterError(Exception):
    """Raised by a job that was told when to come again, e.g. by `Retry-After`.

    `by_recipient` says that the recipient's side asked for it; see
    `grome.infrastructure.transient_errors.RecipientError`.
    """

    def __init__(self, reason: str, seconds: float, *, by_recipient: bool = False) -> None:
        super().__init__(reason)
        self.seconds, self.by_recipient = seconds, by_recipient


class PostponedError(Exception):
    """Raised by a job that has to wait for its turn; it runs again after `seconds`, and this was no try."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class UndeliverableError(Exception):
    """Raised by a job that its recipient refuses for good; the job is done at once, with this outcome."""


class WrongJobState(ApiError):
    status, code, title = 409, "wrong_job_state", "The job is not in a state that allows this"
