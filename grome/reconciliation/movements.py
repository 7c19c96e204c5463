"""Compare the movements of the balance at Stripe with the ledger, in both directions, and the balances."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from grome.common.clock import Clock
from grome.infrastructure.isolated_items import for_each
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.infrastructure.stripe.history import StripeHistory
from grome.infrastructure.stripe.models import BalanceLine
from grome.ledger.models import STRIPE, Entry
from grome.ledger.movements import Movement, Movements, movement_of
from grome.ledger.service import Ledger
from grome.reconciliation.findings import Findings
from grome.reconciliation.healing import Healer
from grome.reconciliation.models import Difference, FindingKind, Progress
from grome.reconciliation.repository import ProgressRepository

LOOP: Final = "money"
# A movement may be booked so much later than it was made.
GRACE: Final = timedelta(minutes=15)
_OVERLAP: Final = timedelta(hours=1)
# A movement with an object that cannot be read is not reported for so long.
_UNDECIDED: Final = timedelta(days=1)
_BATCH: Final = 100


@dataclass(slots=True)
class _Run:
    """The state of one run: `pending` sums recent movements that are not booked yet by currency.

    `compared` is the time up to which all movements are decided.
    """

    started: datetime
    compared: datetime
    listed: set[str] = field(default_factory=set)
    pending: Counter[str] = field(default_factory=Counter)

    def is_recent(self, line: BalanceLine) -> bool:
        return line.created > self.started - GRACE


class MovementCheck:
    def __init__(
        self,
        history: StripeHistory,
        movements: Movements,
        ledger: Ledger,
        healer: Healer,
        findings: Findings,
        progress: ProgressRepository,
        clock: Clock,
    ) -> None:
        self._history, self._movements, self._ledger = history, movements, ledger
        self._healer, self._findings, self._progress, self._clock = healer, findings, progress, clock

    async def run(self) -> Collection[str]:
        """Compare the movements since the last run, and the balances. Returns the ids that Stripe listed.

        Raises StripeUnsureError.
        """
        started, progress = self._clock(), await self._progress.get(LOOP)
        run = _Run(started, started - GRACE)
        # `min` also serves a clock that was set back.
        await self._compare_lines(run, min(progress.until or run.compared, run.compared) - _OVERLAP)
        differences = await self._compare_balances(progress, run.pending)
        await self._progress.save(structs.replace(progress, until=run.compared, differences=differences))
        return run.listed

    async def confirm(self, entry: Entry) -> None:
        """Report the movement of an entry if Stripe does not know it. Raises StripeUnsureError."""
        movement = movement_of(entry)
        if movement is None or await self._history.find_balance_line(movement.ref):
            return
        await self._findings.report(
            Difference(
                kind=FindingKind.UNKNOWN_MOVEMENT,
                subject=movement.ref,
                amount=movement.net,
                currency=movement.currency,
                objects=(movement.entry_id, *((str(entry.payment_id),) if entry.payment_id else ())),
                note=f"{entry.kind.value} of {movement.at:%Y-%m-%d %H:%M} UTC",
            )
        )

    async def agree_on(self, ref: str) -> bool:
        """Return whether Stripe and the ledger have the same movement now."""
        line, movement = await self._history.find_balance_line(ref), await self._find_booked(ref)
        return line is not None and movement is not None and _are_equal(line, movement)

    async def balances_agree(self, currency: str) -> bool:
        """Return whether the last run found the balances of the currency equal."""
        return currency not in (await self._progress.get(LOOP)).differences

    async def _compare_lines(self, run: _Run, since: datetime) -> None:
        batch: list[BalanceLine] = []
        async for line in self._history.list_balance_lines(since):
            run.listed.add(line.id)
            if line.net or line.fee:
                batch.append(line)
            if len(batch) == _BATCH:
                await self._compare_batch(run, batch)
                batch.clear()
        await self._compare_batch(run, batch)

    async def _compare_batch(self, run: _Run, lines: Sequence[BalanceLine]) -> None:
        booked = await self._movements.find_booked([line.id for line in lines])

        async def compare(line: BalanceLine) -> None:
            movement = booked.get(line.id)
            if movement is None and run.is_recent(line):
                run.pending[line.currency] += line.net
            elif movement is None:
                await self._heal(run, line)
            elif not _are_equal(line, movement):
                await self._findings.report(_different(line, movement))

        await for_each(lines, compare, name="compare_movements")

    async def _heal(self, run: _Run, line: BalanceLine) -> None:
        """Look at the object of a movement that is not booked, and report the movement if that does not help."""
        try:
            error = await self._healer.heal(line)
        except StripeUnsureError as unsure:
            if line.created > run.started - _UNDECIDED:
                run.compared = min(run.compared, line.created)
                return
            error = str(unsure)
        if await self._find_booked(line.id):
            return
        await self._findings.report(
            Difference(
                kind=FindingKind.UNBOOKED_MOVEMENT,
                subject=line.id,
                amount=line.net,
                currency=line.currency,
                objects=(line.source,) if line.source else (),
                note=f"{line.type} of {line.created:%Y-%m-%d %H:%M} UTC, fee {line.fee}. {error}".strip(),
            )
        )

    async def _find_booked(self, ref: str) -> Movement | None:
        return (await self._movements.find_booked([ref])).get(ref)

    async def _compare_balances(self, progress: Progress, pending: Counter[str]) -> dict[str, int]:
        """Return the differences by currency. A difference is reported if two runs find the same amount.

        Both balances are read while money moves, so that a single comparison proves nothing.
        """
        booked = {one.currency: one.amount for one in await self._ledger.balances(STRIPE) if one.account == STRIPE}
        actual = await self._history.get_balance()
        differences = {
            currency: difference
            for currency in sorted(booked.keys() | actual.keys())
            if (difference := actual.get(currency, 0) - pending[currency] - booked.get(currency, 0))
        }
        for currency, difference in differences.items():
            if progress.differences.get(currency) == difference:
                await self._findings.report(
                    Difference(
                        kind=FindingKind.BALANCE_DIFFERS,
                        subject=STRIPE,
                        amount=difference,
                        currency=currency,
                        note=f"Stripe has {actual.get(currency, 0)}, the ledger {booked.get(currency, 0)}",
                    )
                )
        return differences


def _are_equal(line: BalanceLine, movement: Movement) -> bool:
    return (movement.net, movement.fee, movement.currency) == (line.net, line.fee, line.currency)


def _different(line: BalanceLine, movement: Movement) -> Difference:
    return Difference(
        kind=FindingKind.DIFFERENT_MOVEMENT,
        subject=line.id,
        amount=line.net - movement.net,
        currency=line.currency,
        objects=(movement.entry_id, *((line.source,) if line.source else ())),
        note=(
            f"Stripe moved {line.net} {line.currency} with a fee of {line.fee}, "
            f"booked are {movement.net} {movement.currency} with a fee of {movement.fee}"
        ),
    )
