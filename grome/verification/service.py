"""Submit documents, read verifications, and decide about them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from grome.barbers.errors import ProfileMissing
from grome.barbers.models import Approval
from grome.barbers.service import BarberService
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import Invalid, NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.outbox.models import EventType
from grome.uploads.models import UNNEEDED_LIFE
from grome.verification.documents import VerificationDocuments
from grome.verification.errors import VerificationChanged
from grome.verification.models import DECISIONS, State, Verification, VerificationEntry
from grome.verification.repository import AfterVerification, VerificationRepository
from grome.verification.schemas import (
    VerificationDetails,
    VerificationIn,
    VerificationOut,
    VerificationPage,
    VerificationQuery,
    verification_details,
    verification_out,
    verification_row,
)

SUBMISSION_BUDGET: Final = Budget("verifications of a person", 20, timedelta(days=1))
_APPROVALS: Final = {State.APPROVED: Approval.APPROVED, State.REJECTED: Approval.REJECTED}


class VerificationService:
    def __init__(
        self,
        verifications: VerificationRepository,
        documents: VerificationDocuments,
        barbers: BarberService,
        transactions: Transactions,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        self._verifications, self._documents, self._barbers = verifications, documents, barbers
        self._transactions, self._budgets, self._clock = transactions, budgets, clock

    async def read_own(self, actor: Actor) -> VerificationOut:
        """Return the actor's verification. Raises ProfileMissing."""
        barber = await self._barbers.find(actor.id)
        if barber is None:
            raise ProfileMissing
        verification = await self._find(actor.id)
        return verification_out(verification, barber.approval, await self._documents.links(verification))

    async def submit(self, actor: Actor, body: VerificationIn) -> VerificationOut:
        """Submit documents in place of earlier ones. The same documents again change nothing while they are pending.

        An approved barber stays approved until an admin decides again. Raises ProfileMissing, Invalid, UploadRefused,
        and TooManyRequests beyond 20 submissions in a day.
        """
        wanted = [body.id_doc, *body.certificates]
        if len(set(wanted)) < len(wanted):
            raise Invalid("certificates", "names an upload twice")
        if await self._barbers.find(actor.id) is None:
            raise ProfileMissing
        if not _is_submitted(await self._find(actor.id), wanted):
            await self._budgets.spend(SUBMISSION_BUDGET, str(actor.id))
            await self._documents.claim(actor, wanted)
            await self._transactions.run(actor.id, lambda transaction: self._store(transaction, actor, body))
        return await self.read_own(actor)

    async def _store(self, transaction: Transaction, actor: Actor, body: VerificationIn) -> None:
        before = await self._find(actor.id, transaction)
        if _is_submitted(before, [body.id_doc, *body.certificates]):
            return
        now = self._clock()
        fields = {
            "id_doc": body.id_doc,
            "certificates": body.certificates,
            "submitted_at": now,
            "tidy_at": now + UNNEEDED_LIFE,
        }
        await self._change(transaction, before, actor, EventType.VERIFICATION_SUBMITTED, fields)
        if before.state is State.REJECTED:
            await self._barbers.set_approval(transaction, actor.id, Approval.PENDING)

    async def list_page(self, query: VerificationQuery) -> VerificationPage:
        """List the verifications in a state, the oldest submission first."""
        after = decode_cursor(query.cursor, AfterVerification)
        if after and after.submitted_at:  # a cursor is client input
            after = AfterVerification(to_utc(after.submitted_at, "cursor"), after.user_id)
        found = await self._verifications.list_page(query.status, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterVerification(row.submitted_at, row.id))
        names = {one.id: one.display_name for one in await self._barbers.list_by_ids([row.id for row in page])}
        return VerificationPage([verification_row(row, names.get(row.id, "")) for row in page], next_cursor)

    async def read(self, barber_id: UUID) -> VerificationDetails:
        """Return a verification with its history. Raises NotFound."""
        verification, barber = await self._find(barber_id), await self._barbers.find(barber_id)
        if verification.version == 0 and barber is None:
            raise NotFound
        return verification_details(
            verification,
            barber.display_name if barber else "",
            barber.approval if barber else _APPROVALS.get(verification.state, Approval.PENDING),
            await self._documents.links(verification),
        )

    async def decide(
        self, actor: Actor, barber_id: UUID, decision: EventType, notes: str = "", version: int | None = None
    ) -> VerificationDetails:
        """Approve, reject, or ask for other documents. The same decision and notes again change nothing.

        A barber that sent nothing can be decided about too, if it has a profile. Asking again leaves the approval as it
        is. Raises NotFound, or VerificationChanged if the verification has another version.
        """
        after = DECISIONS[decision]

        async def store(transaction: Transaction) -> None:
            before = await self._find(barber_id, transaction)
            if before.version == 0 and await self._barbers.find(barber_id) is None:
                raise NotFound
            if before.state is after and before.notes == notes:
                return
            if version not in (None, before.version):
                raise VerificationChanged
            now = self._clock()
            fields = {"notes": notes, "decided_at": now}
            if after in _APPROVALS and before.documents:
                fields["tidy_at"] = self._documents.due_after_decision(before, now)
            await self._change(transaction, before, actor, decision, fields)
            if after in _APPROVALS:
                await self._barbers.set_approval(transaction, barber_id, _APPROVALS[after])

        await self._transactions.run(barber_id, store)
        return await self.read(barber_id)

    async def _change(
        self,
        transaction: Transaction,
        before: Verification,
        actor: Actor,
        kind: EventType,
        fields: dict[str, Any],
    ) -> None:
        after = DECISIONS.get(kind, State.PENDING)
        entry = VerificationEntry(
            id=new_id(),
            version=before.version + 1,
            type=kind,
            before=before.state,
            after=after,
            notes=fields.get("notes", ""),
            actor_id=actor.id,
            at=self._clock(),
            origin=origin_by(actor.id),
        )
        await self._verifications.store(transaction.session, before, {"state": after, **fields}, entry)

    async def find(self, barber_id: UUID) -> Verification | None:
        """Find a verification, for Grome's own use. Returns None if the barber has none."""
        return await self._verifications.find(barber_id)

    async def _find(self, barber_id: UUID, transaction: Transaction | None = None) -> Verification:
        """Return the verification; without any, a verification of version 0."""
        found = await self._verifications.find(barber_id, transaction.session if transaction else None)
        return found or Verification(id=barber_id)


def _is_submitted(verification: Verification, documents: Sequence[UUID]) -> bool:
    return verification.state in {State.PENDING, State.APPROVED} and verification.documents == list(documents)
