"""Measure findings and progress for the monitoring."""

from prometheus_client import CollectorRegistry, Gauge

from grome.common.clock import Clock
from grome.reconciliation import missed_events, movements
from grome.reconciliation.models import FindingKind
from grome.reconciliation.repository import FindingRepository, ProgressRepository


class ReconciliationFigures:
    def __init__(
        self, findings: FindingRepository, progress: ProgressRepository, clock: Clock, *, payments_on: bool
    ) -> None:
        self._findings, self._progress, self._clock, self._payments_on = findings, progress, clock, payments_on

    async def measure(self, registry: CollectorRegistry) -> None:
        """Add the figures to the registry; there are none while payments are off."""
        if not self._payments_on:
            return
        now, figures = self._clock(), {each.kind: each for each in await self._findings.figures()}
        count = Gauge("grome_reconciliation_findings", "Open findings by kind", ["kind"], registry=registry)
        for kind in FindingKind:
            count.labels(kind.value).set(figures[kind].count if kind in figures else 0)
        oldest = min((each.oldest for each in figures.values()), default=now)
        age = "Age of the oldest open finding"
        Gauge("grome_reconciliation_oldest_finding_seconds", age, registry=registry).set((now - oldest).total_seconds())
        lag = Gauge(
            "grome_reconciliation_lag_seconds", "Age of the newest compared moment", ["loop"], registry=registry
        )
        for loop in (missed_events.LOOP, movements.LOOP):
            if until := (await self._progress.get(loop)).until:
                lag.labels(loop).set((now - until).total_seconds())
