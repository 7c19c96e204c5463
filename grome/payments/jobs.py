"""Jobs of payments."""

from typing import Any, Final
from uuid import UUID

from grome.infrastructure.container import Container
from grome.infrastructure.isolated_items import for_each
from grome.infrastructure.jobs.errors import RetryLaterError
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.payments.models import Payment
from grome.payments.queries import PaymentQueries
from grome.payments.settler import PaymentSettler
from grome.payments.sync import PaymentSync

_CHECK_BATCH: Final = 200
_RETRY_S: Final = 10.0


async def settle_payments(container: Container, job: RunningJob) -> None:
    """Settle the payments of the booking that the event concerns."""
    if "payment_id" in job.payload:
        booking_id = (await container.get(PaymentQueries).get(UUID(job.payload["payment_id"]))).booking_id
    else:
        booking_id = UUID(job.payload["booking_id"])
    try:
        await container.get(PaymentSettler).settle(booking_id)
    except StripeUnsureError as error:
        raise RetryLaterError(str(error), _RETRY_S) from error


async def check_payments(saq: dict[str, Any]) -> None:
    """Look at the payments with a due check; runs every minute.

    It repeats operations of processes that died, and finds changes after a lost notification.
    """
    container: Container = saq["container"]
    if not container.settings.stripe.secret_key:
        return
    sync, queries = container.get(PaymentSync), container.get(PaymentQueries)

    async def check(payment: Payment) -> None:
        try:
            await sync.look(payment.id)
        finally:
            await queries.postpone_if_due(payment.id)

    await for_each(await queries.list_to_check(_CHECK_BATCH), check, name="check_payments")
