"""The periods of payouts."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct


class PayoutPeriod(Struct, frozen=True):
    """A day, or a week from Monday, in UTC.

    With a single time zone all workers and all barbers are in the same period. `name` is the date of the first day.
    Later names sort later.
    """

    start: datetime

    @property
    def name(self) -> str:
        return self.start.date().isoformat()


def period_at(moment: datetime, schedule: Literal["daily", "weekly"]) -> PayoutPeriod:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return PayoutPeriod(day - timedelta(days=day.weekday() if schedule == "weekly" else 0))
