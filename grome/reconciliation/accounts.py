"""Watch the accounts of the ledger that have to return to 0, and report money that stays on them."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import structs

from grome.bookings.cancellation_policy import settles_at
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock
from grome.infrastructure.isolated_items import Tally, for_each
from grome.ledger.models import Entry
from grome.ledger.movements import Movements
from grome.ledger.service import Ledger
from grome.payments.queries import PaymentQueries
from grome.reconciliation.findings import Findings
from grome.reconciliation.models import Difference, FindingKind, WatchedAccount, watched_id
from grome.reconciliation.movements import MovementCheck
from grome.reconciliation.repository import ProgressRepository, WatchedRepository

LOOP: Final = "entries"
_BATCH: Final = 200
_MAX_BATCHES: Final = 50
# An account is checked again after this time, unless a new line is sooner.
_CHECK_AGAIN: Final = timedelta(hours=6)

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class _Bound(NamedTuple):
    kind: FindingKind
    after: timedelta


# By the first part of the account's name: the time that money may stay. For held money it begins with the end of the
# booking. Banks take up to a week for a refund, and months for a dispute.
_BOUNDS: Final = {
    "held": _Bound(FindingKind.HELD_AFTER_VISIT, timedelta(hours=24)),
    "refund_transit": _Bound(FindingKind.REFUND_IN_TRANSIT, timedelta(days=10)),
    "payout_transit": _Bound(FindingKind.PAYOUT_IN_TRANSIT, timedelta(hours=26)),
    "disputes_held": _Bound(FindingKind.DISPUTE_OPEN, timedelta(days=120)),
}


class AccountCheck:
    """Reads each entry once, in the order of the chain, and then only the accounts that are not at 0."""

    def __init__(
        self,
        movements: Movements,
        ledger: Ledger,
        watched: WatchedRepository,
        progress: ProgressRepository,
        owners: tuple[BookingQueries, PaymentQueries],
        reports: tuple[MovementCheck, Findings],
        clock: Clock,
    ) -> None:
        self._movements, self._ledger, self._watched, self._progress = movements, ledger, watched, progress
        self._bookings, self._payments = owners
        self._movement_check, self._findings = reports
        self._clock = clock

    async def run(self, listed: Collection[str]) -> Tally:
        """Read the new entries, and check the watched accounts that are due.

        `listed` are balance transactions that Stripe is known to have. Raises StripeUnsureError.
        """
        await self._read_entries(listed)
        tally = Tally()
        for _ in range(_MAX_BATCHES):
            due = await self._watched.list_due(self._clock(), _BATCH)
            tally += await for_each(due, self._check, name="check_accounts")
            if len(due) < _BATCH:
                break
        return tally

    async def is_settled(self, account: str, currency: str) -> bool:
        """Return whether nothing is on the account, or its booking goes on."""
        if not await self._ledger.balance(account, currency):
            return True
        if not account.startswith("held:"):
            return False
        due_at = await self._held_until(account)
        return due_at is None or due_at > self._clock()

    async def _read_entries(self, listed: Collection[str]) -> None:
        """Watch the accounts of new entries, and confirm their movements."""
        for _ in range(_MAX_BATCHES):
            progress = await self._progress.get(LOOP)
            entries = await self._movements.list_sealed(progress.seq, _BATCH)
            if not entries:
                return
            for entry in entries:
                if entry.external_ref and entry.external_ref not in listed:
                    await self._movement_check.confirm(entry)
            await self._watched.watch(each for entry in entries for each in self._accounts_of(entry))
            await self._progress.save(structs.replace(progress, seq=entries[-1].seq or 0))
            if len(entries) < _BATCH:
                return

    def _accounts_of(self, entry: Entry) -> list[WatchedAccount]:
        now = self._clock()
        return [
            WatchedAccount(
                id=watched_id(line.account, entry.currency),
                account=line.account,
                currency=entry.currency,
                since=entry.at,
                seq=entry.seq or 0,
                check_at=now,
            )
            for line in entry.lines
            if _kind(line.account) in _BOUNDS
        ]

    async def _check(self, watched: WatchedAccount) -> None:
        now = self._clock()
        # First, so that an account that fails each time does not block the others.
        await self._watched.postpone(watched, now + _CHECK_AGAIN)
        balance = await self._ledger.balance(watched.account, watched.currency)
        if not balance:
            await self._watched.remove(watched)
            return
        bound = _BOUNDS[_kind(watched.account)]
        if bound.kind is FindingKind.HELD_AFTER_VISIT:
            due_at = await self._held_until(watched.account)
        else:
            due_at = watched.since + bound.after
        if due_at is None:
            return
        if due_at > now:
            await self._watched.postpone(watched, min(due_at, now + _CHECK_AGAIN))
            return
        await self._findings.report(
            Difference(
                kind=bound.kind,
                subject=watched.account,
                amount=balance,
                currency=watched.currency,
                objects=(watched.account.partition(":")[2],),
                note=f"since {watched.since:%Y-%m-%d %H:%M} UTC",
            )
        )

    async def _held_until(self, account: str) -> datetime | None:
        """Return the time from which money must not be held for a booking; None while that is open.

        It is open until the booking ends, and during a dispute.
        """
        booking_id = UUID(account.partition(":")[2])
        booking = (await self._bookings.find_many([booking_id])).get(booking_id)
        ended_at = settles_at(booking) if booking else _LONG_AGO
        if ended_at is None:
            return None
        payments = await self._payments.list_for_booking(booking_id)
        if any(payment.dispute and payment.dispute.is_open for payment in payments):
            return None
        paid_at = [payment.paid_at for payment in payments if payment.paid_at]
        return max([ended_at, *paid_at]) + _BOUNDS["held"].after


def _kind(account: str) -> str:
    return account.partition(":")[0]
