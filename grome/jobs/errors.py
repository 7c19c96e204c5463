"""How a try ends other than well, and what operators are refused."""

from grome.common.errors import Refusal


class GiveUpError(Exception):
    """Raised by a job that no further try can help: it is dead at once, for the reason given."""


class LaterError(Exception):
    """Raised by a job that was told when to come again, e.g. by `Retry-After`."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class WrongJobState(Refusal):
    status, code, title = 409, "wrong_job_state", "The job is not in a state that allows this"
