"""Request reports through the API, build them without a worker, and create bookings for them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from grome.bookings.models import BookedService, Booking, Payment, PaymentStatus, Status
from grome.common.figures import duration_of, price_of
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.storage.protocol import Storage
from grome.payouts.models import Payout, PayoutState, PayoutSums, TransferAttempt
from grome.reports.builder import ReportBuilder
from grome.reports.models import FILE_PREFIX
from tests.builders.bookings import tomorrow
from tests.builders.people import Person

REPORTS = "/v1/reports"


def report_body(**changed: Any) -> dict[str, Any]:
    """Return the body for a CSV report of tomorrow's bookings."""
    day = str(tomorrow(9).date())
    return {"kind": "bookings", "format": "csv", "from": day, "to": day, **changed}


async def post_report(
    http: httpx.AsyncClient, person: Person, *, key: str | None = None, **changed: Any
) -> httpx.Response:
    headers = {**person.auth, **({"Idempotency-Key": key} if key else {})}
    return await http.post(REPORTS, json=report_body(**changed), headers=headers)


async def requested_report(http: httpx.AsyncClient, person: Person, **changed: Any) -> dict[str, Any]:
    """Request a report and return the response."""
    response = await post_report(http, person, **changed)
    assert response.status_code == 202, response.text
    report: dict[str, Any] = response.json()
    return report


async def read_report(http: httpx.AsyncClient, person: Person, report: dict[str, Any]) -> dict[str, Any]:
    response = await http.get(f"{REPORTS}/{report['id']}", headers=person.auth)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


class RecordedProgress:
    """Records progress in place of a job."""

    def __init__(self) -> None:
        self.progress: list[float] = []

    async def __call__(self, progress: float) -> None:
        self.progress.append(progress)


async def build_report(container: Container, report: dict[str, Any]) -> list[float]:
    """Build a report as its job does, and return the recorded progress."""
    told = RecordedProgress()
    await container.get(ReportBuilder).build(UUID(report["id"]), told)
    return told.progress


async def built(http: httpx.AsyncClient, container: Container, person: Person, **changed: Any) -> dict[str, Any]:
    """Request, build and read a report."""
    report = await requested_report(http, person, **changed)
    await build_report(container, report)
    found = await read_report(http, person, report)
    assert found["state"] == "done", found
    return found


async def download(http: httpx.AsyncClient, report: dict[str, Any]) -> httpx.Response:
    """Download without a sign-in, by the path of the URL only, which names the public address."""
    return await http.get(urlsplit(report["url"]).path)


async def stored_files(container: Container) -> set[UUID]:
    return {UUID(hex=key.removeprefix(FILE_PREFIX)) async for key in container.get(Storage).keys(FILE_PREFIX)}


def make_booking(start: datetime, **changed: Any) -> Booking:
    """Build a completed booking of one service, by default at the price of its services."""
    price, currency = changed.pop("price", None), changed.get("currency", "EUR")
    services = changed.pop("services", [BookedService(UUID(int=1), "A cut", 2500 if price is None else price, 30)])
    total = price_of(services) if price is None else price
    minutes = duration_of(services)
    return Booking(
        **{
            "id": new_id(),
            "customer_id": new_id(),
            "barber_id": new_id(),
            "services": services,
            "scheduled_at": start.astimezone(UTC),
            "ends_at": start.astimezone(UTC) + timedelta(minutes=minutes),
            "ticks": [],
            "active": False,
            "status": Status.COMPLETED,
            "price": total,
            "currency": currency,
            "payment": Payment(PaymentStatus.PENDING, total, currency),
            "version": 1,
            "history": [],
            "created_at": start.astimezone(UTC) - timedelta(days=1),
            **changed,
        }
    )


async def insert_all(container: Container, bookings: Sequence[Booking]) -> None:
    """Insert bookings without validation by the services."""
    await container.database["bookings"].insert_many([to_document(booking) for booking in bookings])


def make_payout(sent_at: datetime, *, amount: int = 5_000, returned: int = 0, barber_id: UUID | None = None) -> Payout:
    """Build a payout that was transferred."""
    return Payout(
        id=new_id(),
        barber_id=barber_id or new_id(),
        amount=amount,
        currency="EUR",
        period=str(sent_at.date()),
        since=None,
        until=sent_at,
        sums=PayoutSums(amount, 0, 0, 0),
        destination="acct_1",
        state=PayoutState.SENT,
        open=False,
        attempt=TransferAttempt(1, sent_at),
        returned=returned,
        history=[],
        created_at=sent_at,
        sent_at=sent_at,
        updated_at=sent_at,
    )
