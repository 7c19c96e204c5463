"""Delete accounts: refuse while something is open, sign the owner out at once, and erase the data by a job."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from loguru import logger

from grome.accounts.deletions import AccountDeletions
from grome.barbers.service import BarberService
from grome.common.actor import Actor, Role
from grome.common.clock import Clock
from grome.common.errors import StepUpRequired
from grome.infrastructure.http.routing import has_stepped_up
from grome.infrastructure.isolated_items import Sweep
from grome.infrastructure.jobs.errors import PostponedError
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.personal_data import OpenMatter, Person
from grome.privacy.errors import AccountInUse
from grome.privacy.inventory import Inventory
from grome.privacy.models import ERASE_ACCOUNT
from grome.privacy.schemas import DeletionIn, DeletionOut

# Raises the refusal of its feature if this is not the password of the actor.
RequirePassword = Callable[[Actor, str], Awaitable[object]]
_BATCH_SIZE: Final = 200
_OPEN_AGAIN_S: Final = 3_600.0
# An account that was not erased by then has a job that is lost or dead, and gets another one.
_JOB_MISSING_AFTER: Final = timedelta(hours=1)


class DeletionService:
    def __init__(
        self,
        inventory: Inventory,
        accounts: AccountDeletions,
        barbers: BarberService,
        jobs: JobQueue,
        require_password: RequirePassword,
        erase_after: timedelta,
        clock: Clock,
    ) -> None:
        self._inventory, self._accounts, self._barbers, self._jobs = inventory, accounts, barbers, jobs
        self._require_password, self._erase_after, self._clock = require_password, erase_after, clock
        self._late = Sweep(
            "erase_accounts",
            lambda after, limit: accounts.list_due(clock() - _JOB_MISSING_AFTER, after, limit),
            _BATCH_SIZE,
        )

    async def request(self, actor: Actor, body: DeletionIn) -> DeletionOut:
        """Delete the actor's account.

        Raises StepUpRequired without the password or a recent proof of identity, the refusal of a wrong password, and
        AccountInUse.
        """
        if body.password is not None:
            await self._require_password(actor, body.password)
        elif not has_stepped_up(actor, self._clock):
            raise StepUpRequired
        person = Person(actor.id, actor.role)
        if matters := await find_open(self._inventory, person):
            raise AccountInUse(matters)
        erase_at = self._clock() + self._erase_after
        marked = await self._accounts.mark(actor.id, erase_at)
        if actor.role is Role.BARBER:
            await self._barbers.close_shop(actor.id)
        await self._jobs.add(NewJob(f"erase:{actor.id}", ERASE_ACCOUNT, {"user_id": str(actor.id)}, due_at=erase_at))
        parts = (part.kept(actor.role) for part in self._inventory.parts)
        return DeletionOut((marked and marked.erase_at) or erase_at, [kept for kept in parts if kept])

    async def repair(self) -> None:
        """Add a job for each account that is late; at most one a day, since the dead ones are kept."""
        await self._late.run(self._add_job)

    async def _add_job(self, user_id: UUID) -> None:
        today = self._clock().date().isoformat()
        await self._jobs.add(NewJob(f"erase:{user_id}:{today}", ERASE_ACCOUNT, {"user_id": str(user_id)}))


class Eraser:
    """Erases the data of deleted accounts in steps, each of which can be repeated; the account itself is the last."""

    def __init__(self, inventory: Inventory, accounts: AccountDeletions) -> None:
        self._inventory, self._accounts = inventory, accounts

    async def erase(self, user_id: UUID) -> None:
        """Erase the data of a person, if the account is due.

        Raises PostponedError while something is open, which a request that ran beside the deletion can have opened.
        """
        user = await self._accounts.find_due(user_id)
        if user is None:
            return
        person = Person(user.id, user.role)
        if matters := await find_open(self._inventory, person):
            kinds = ", ".join(matter.kind for matter in matters)
            raise PostponedError(f"Account {user_id} has open {kinds}", _OPEN_AGAIN_S)
        for part in self._inventory.parts:
            await part.erase(person)
        logger.info("The personal data of account {} is erased", user_id)


async def find_open(inventory: Inventory, person: Person) -> list[OpenMatter]:
    """Return the matters that forbid a deletion, one for each kind."""
    found: dict[str, int] = {}
    for part in inventory.parts:
        for matter in await part.find_open(person):
            found[matter.kind] = found.get(matter.kind, 0) + matter.count
    return [OpenMatter(kind, count) for kind, count in found.items()]
