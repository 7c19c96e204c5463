"""Run the periodic jobs of bookings."""

from typing import Any

from loguru import logger

from grome.composition import AppContext


async def expire_unanswered(job: dict[str, Any]) -> None:
    """End overdue proposals and requests; runs every minute."""
    context: AppContext = job["grome"]
    if (
        lapsed := await context.rescheduling.lapse_unanswered()
    ):  # first: a request with an open proposal does not expire
        logger.info("{} unanswered proposals lapsed", lapsed)
    if ended := await context.booking_moves.expire_unanswered():
        logger.info("{} unanswered requests expired", ended)


async def close_overdue(job: dict[str, Any]) -> None:
    """End visits that were not ended within their windows; runs every ten minutes."""
    context: AppContext = job["grome"]
    if closed := await context.booking_moves.close_overdue():
        logger.info("{} visits were past their last window", closed)
