"""Run the periodic jobs of bookings."""

from typing import Any

from loguru import logger

from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.reschedule import Rescheduler
from grome.infrastructure.container import Container


async def expire_unanswered(job: dict[str, Any]) -> None:
    """End overdue proposals, requests and unpaid bookings; runs every minute."""
    container: Container = job["container"]
    if lapsed := await container.get(
        Rescheduler
    ).lapse_unanswered():  # first: a request with an open proposal does not expire
        logger.info("{} unanswered proposals lapsed", lapsed)
    if ended := await container.get(BookingLifecycle).expire_unanswered():
        logger.info("{} unanswered requests expired", ended)
    if unpaid := await container.get(BookingLifecycle).expire_unpaid():
        logger.info("{} unpaid bookings expired", unpaid)


async def close_overdue(job: dict[str, Any]) -> None:
    """End visits that were not ended within their windows; runs every ten minutes."""
    container: Container = job["container"]
    if closed := await container.get(BookingLifecycle).close_overdue():
        logger.info("{} visits were past their last window", closed)
