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

    def paid_until(self, hold_h: int) -> datetime:
        """Return the time of the latest entries that payouts of this period pay.

        It follows from the period's start, so that it does not matter when in the period payouts are planned.
        """
        return self.start - timedelta(hours=hold_h)


Schedule = Literal["daily", "weekly"]


def period_at(moment: datetime, schedule: Schedule) -> PayoutPeriod:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return PayoutPeriod(day - timedelta(days=day.weekday() if schedule == "weekly" else 0))


def next_period(moment: datetime, schedule: Schedule, *, planned: str) -> PayoutPeriod:
    """Return the period of a barber's next payout. `planned` is the name of the last period that was decided."""
    current = period_at(moment, schedule)
    if planned < current.name:
        return current
    return PayoutPeriod(current.start + timedelta(days=7 if schedule == "weekly" else 1))
