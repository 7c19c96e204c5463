"""Add to a backup again and again, through faults of the database and the storage."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from grome.common.errors import Unavailable
from grome.infrastructure.backup.errors import FolderBusyError
from grome.infrastructure.backup.maker import Written
from grome.infrastructure.mongo.client import DriverError

_FIRST_WAIT_S: Final = 1.0
_MAX_WAIT_S: Final = 60.0

Pause = Callable[[float], Awaitable[object]]


class Follower:
    """Adds the new writes every `every_s` seconds.

    `report` receives each addition, and `report_fault` a fault and the seconds until the next try.
    """

    def __init__(
        self,
        add: Callable[[], Awaitable[Written]],
        every_s: float,
        report: Callable[[Written], None],
        report_fault: Callable[[Exception, float], None],
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._add, self._every_s, self._pause = add, every_s, pause
        self._report, self._report_fault = report, report_fault

    async def run(self) -> NoReturn:
        """Add until the task is cancelled. After a fault of MongoDB or the storage it waits, and tries again.

        It does the same while another process writes into the folder.

        Raises BackupError if no later try can help, e.g. because MongoDB has dropped writes that were not added yet.
        """
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                written = await self._add()
            except (DriverError, Unavailable, FolderBusyError) as error:
                self._report_fault(error, wait_s)
                await self._pause(wait_s)
                wait_s = min(2 * wait_s, _MAX_WAIT_S)
            else:
                wait_s = _FIRST_WAIT_S
                self._report(written)
                await self._pause(self._every_s)
