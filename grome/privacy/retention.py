"""Erase old data once it is kept long enough."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.isolated_items import for_each
from grome.infrastructure.personal_data import OldData
from grome.privacy.repository import RetentionMarks

# An interrupted run continues at the last span that it has erased.
_SPAN: Final = timedelta(days=30)
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)


class RetentionRule(Struct, frozen=True):
    """Keeps data for `days`, or for ever if that is 0."""

    data: OldData
    days: int


class Retention:
    """Continues each kind of data where the run before has ended, so that no run reads erased data again."""

    def __init__(self, rules: Sequence[RetentionRule], marks: RetentionMarks, clock: Clock) -> None:
        self._rules, self._marks, self._clock = rules, marks, clock

    async def run(self) -> None:
        """Erase all data that is kept long enough. A kind that fails does not stop the others."""
        await for_each([rule for rule in self._rules if rule.days], self._expire, name="expire_old_data")

    async def _expire(self, rule: RetentionRule) -> None:
        since = await self._marks.find(rule.data.name) or _EPOCH
        until = self._clock() - timedelta(days=rule.days)
        while since < until:
            end = min(since + _SPAN, until)
            await rule.data.expire(since, end)
            await self._marks.put(rule.data.name, end)
            since = end
