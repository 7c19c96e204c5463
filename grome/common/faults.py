"""Faults of our own servers."""

from redis.exceptions import RedisError

from grome.common.mongo import DriverError, is_passing_fault


def is_passing(error: BaseException) -> bool:
    """Whether MongoDB or Redis was away or of no use for a moment."""
    return isinstance(error, RedisError) or (isinstance(error, DriverError) and is_passing_fault(error))
