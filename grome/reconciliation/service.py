"""Run the loops of reconciliation, and let admins read and resolve findings."""

from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.outbox.models import EventType
from grome.payments.errors import PaymentsOff
from grome.reconciliation.accounts import AccountCheck
from grome.reconciliation.attempts import AttemptCheck
from grome.reconciliation.errors import FindingResolved
from grome.reconciliation.findings import Findings
from grome.reconciliation.missed_events import MissedEvents
from grome.reconciliation.models import MOVEMENTS, RECONCILE, Finding, FindingEntry, FindingKind
from grome.reconciliation.movements import MovementCheck
from grome.reconciliation.repository import AfterFinding, FindingRepository
from grome.reconciliation.schemas import FindingOut, FindingPage, FindingQuery, RunOut, finding_out


class Reconciliation:
    """Compares Stripe with the ledger. Each method may run at any time, also in several processes at once."""

    def __init__(
        self,
        events: MissedEvents,
        movements: MovementCheck,
        accounts: AccountCheck,
        attempts: AttemptCheck,
        findings: Findings,
        clock: Clock,
    ) -> None:
        self._events, self._movements, self._accounts, self._attempts = events, movements, accounts, attempts
        self._findings, self._clock = findings, clock

    async def fetch_events(self) -> int:
        """Process the events that did not arrive, and return their number. Raises StripeUnsureError."""
        return await self._events.run()

    async def compare(self) -> None:
        """Compare all movements and accounts, report differences, and resolve findings that are gone.

        Raises StripeUnsureError.
        """
        started = self._clock()
        await self._attempts.run()
        await self._accounts.run(await self._movements.run())
        await self._findings.review(started, self._is_gone)

    async def _is_gone(self, finding: Finding) -> bool:
        if finding.kind in MOVEMENTS:
            return await self._movements.agree_on(finding.subject)
        if finding.kind is FindingKind.BALANCE_DIFFERS:
            return await self._movements.balances_agree(finding.currency)
        if finding.kind is FindingKind.STUCK_ATTEMPT:
            return await self._attempts.is_over(UUID(finding.subject))
        return await self._accounts.is_settled(finding.subject, finding.currency)


class FindingService:
    def __init__(self, findings: FindingRepository, jobs: JobQueue, clock: Clock, *, payments_on: bool) -> None:
        self._findings, self._jobs, self._clock, self._payments_on = findings, jobs, clock, payments_on

    async def list_page(self, query: FindingQuery) -> FindingPage:
        """List findings, newest first."""
        after = decode_cursor(query.cursor, AfterFinding)
        if after:  # a cursor comes from the client
            after = AfterFinding(to_utc(after.first_seen, "cursor"), after.id)
        found = await self._findings.list_page(
            is_open=query.status == "open", kind=query.kind, after=after, limit=query.limit + 1
        )
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterFinding(row.first_seen, row.id))
        return FindingPage([finding_out(finding) for finding in page], next_cursor)

    async def resolve(self, actor: Actor, finding_id: UUID, reason: str) -> FindingOut:
        """Resolve an open finding. Raises NotFound, and FindingResolved."""
        finding = await self._findings.find(finding_id)
        if finding is None:
            raise NotFound
        entry = FindingEntry(
            id=new_id(),
            version=finding.version + 1,
            type=EventType.FINDING_RESOLVED,
            at=self._clock(),
            actor_id=actor.id,
            note=reason,
            amount=finding.amount,
            currency=finding.currency,
            origin=origin_by(actor.id),
        )
        resolved = await self._findings.resolve(finding, entry)
        if resolved is None:
            raise FindingResolved
        return finding_out(resolved)

    async def request_run(self) -> RunOut:
        """Add a job that runs all loops; requests of the same minute share a job. Raises PaymentsOff."""
        if not self._payments_on:
            raise PaymentsOff
        new = NewJob(f"reconcile:{self._clock():%Y%m%d%H%M}", RECONCILE, {})
        await self._jobs.add(new)
        return RunOut(new.id)
