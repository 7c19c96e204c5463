"""Jobs of reconciliation."""

from typing import Any

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.reconciliation.service import Reconciliation


async def reconcile(container: Container, _job: RunningJob) -> None:
    """Run all loops, at an admin's request."""
    await container.get(Reconciliation).fetch_events()
    await container.get(Reconciliation).compare()


async def fetch_missed_events(saq: dict[str, Any]) -> None:
    """Process the events of Stripe that did not arrive; runs every five minutes."""
    container: Container = saq["container"]
    if container.settings.stripe.secret_key:
        await container.get(Reconciliation).fetch_events()


async def compare_with_stripe(saq: dict[str, Any]) -> None:
    """Compare Stripe with the ledger; runs every 15 minutes."""
    container: Container = saq["container"]
    if container.settings.stripe.secret_key:
        await container.get(Reconciliation).compare()
