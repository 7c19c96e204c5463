"""Faults of our own servers."""

from redis.exceptions import RedisError

from grome.infrastructure.mongo.client import DriverError, is_transient_fault


class RecipientError(Exception):
    """A try of a job that failed on the recipient's side, and may succeed later.

    When the tries are used up, the job is done with this outcome and not dead: no operator can mend a mailbox that is
    full or a receiver that never answers, and anybody can make such jobs.
    """


def is_transient(error: BaseException) -> bool:
    """Whether MongoDB or Redis was away or of no use for a moment."""
    return isinstance(error, RedisError) or (isinstance(error, DriverError) and is_transient_fault(error))
