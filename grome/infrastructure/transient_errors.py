"""Recognise transient faults of MongoDB and Redis."""

from redis.exceptions import RedisError

from grome.infrastructure.mongo.client import DriverError, is_transient_fault


class RecipientError(Exception):
    """An attempt of a job failed on the recipient's side, and may succeed later.

    After the last attempt the job is done with this outcome, and not dead: no operator can repair a full mailbox or a
    receiver that never answers, and any client can cause such jobs.
    """


def is_transient(error: BaseException) -> bool:
    """Return whether the error is a transient fault of MongoDB or Redis."""
    return isinstance(error, RedisError) or (isinstance(error, DriverError) and is_transient_fault(error))
