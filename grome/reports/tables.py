"""Build the content of reports from bookings: columns, rows and totals, without I/O."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import ClassVar, Final
from uuid import UUID

from grome.bookings.figures import service_figures, visible_min
from grome.bookings.models import Booking, Status
from grome.common.money import decimal_of
from grome.common.search_words import sort_key
from grome.infrastructure.documents.tables import Column, Row
from grome.reports.models import Kind, Period

Names = Mapping[UUID, str]


class ReportTable(ABC):
    """Accepts bookings in order of their start, which must have `status` if it is set, and yields rows."""

    title: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    status: ClassVar[Status | None] = None

    def rows(self, bookings: Sequence[Booking], barbers: Names) -> Iterator[Row]:  # noqa: ARG002 -- not every table needs names
        """Yield rows. Rows of a day that may continue are held back.

        `barbers` are the names of the bookings' barbers.
        """
        yield from ()

    def remaining_rows(self) -> Iterator[Row]:
        """Yield the rows that were held back."""
        yield from ()

    @abstractmethod
    def totals(self) -> list[str]:
        """Return sentences for the end of the report."""


def create_table(kind: Kind, period: Period) -> ReportTable:
    match kind:
        case Kind.BOOKINGS:
            return BookingsTable(period)
        case Kind.REVENUE:
            return RevenueTable(period)
        case Kind.PAYOUTS:
            return PayoutsTable()


class BookingsTable(ReportTable):
    """Yields a row for each booking. Customers appear by id, as in the whole API; guests have none."""

    title = "Bookings"
    columns = (
        Column("booking_id"),
        Column("starts_at"),
        Column("starts_local", "Start", 29),
        Column("ends_at"),
        Column("ends_local"),
        Column("timezone"),
        Column("barber_id"),
        Column("barber", "Barber", 40),
        Column("customer_id"),
        Column("services", "Services", 54),
        Column("duration_min", "Min", 12, "RIGHT"),
        Column("status", "Status", 23),
        Column("reason"),
        Column("price", "Price", 22, "RIGHT"),
        Column("currency", "", 12),
        Column("payment_status"),
        Column("created_at"),
    )

    def __init__(self, period: Period) -> None:
        self._period = period
        self._states: Counter[str] = Counter()
        self._completed: Counter[str] = Counter()

    def rows(self, bookings: Sequence[Booking], barbers: Names) -> Iterator[Row]:
        for booking in bookings:
            self._states[booking.status.value] += 1
            if booking.status is Status.COMPLETED:
                self._completed[booking.currency] += booking.price
            yield self._row(booking, barbers.get(booking.barber_id, DELETED_BARBER))

    def totals(self) -> list[str]:
        states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(self._states.items()))
        count = self._states.total()
        bookings = f"{count} booking{'' if count == 1 else 's'}"
        return [f"{bookings}: {states}" if states else bookings, *_amount_lines("Completed", self._completed)]

    def _row(self, booking: Booking, barber: str) -> Row:
        return (
            str(booking.id),
            _utc(booking.scheduled_at),
            self._local(booking.scheduled_at),
            _utc(booking.ends_at),
            self._local(booking.ends_at),
            self._period.timezone,
            str(booking.barber_id),
            barber,
            str(booking.customer_id) if booking.customer_id else "",
            " + ".join(service.name for service in booking.services),
            visible_min(booking),
            booking.status.value,
            booking.reason.value if booking.reason else "",
            decimal_of(booking.price, booking.currency),
            booking.currency,
            booking.payment.status.value,
            _utc(booking.created_at),
        )

    def _local(self, moment: datetime) -> str:
        return f"{self._period.local(moment):%Y-%m-%d %H:%M}"


@dataclass(slots=True)
class _ServiceTotal:
    name: str
    count: int = 0
    amount: int = 0


class RevenueTable(ReportTable):
    """Yields a row for each day, service and currency of completed visits, at the booked prices.

    An amount includes the service's add-ons, less its share of a discount: all amounts add up to the prices of the
    visits. Tips are no revenue.
    """

    title = "Revenue"
    status = Status.COMPLETED
    columns = (
        Column("day", "Day", 26),
        Column("service_id"),
        Column("service", "Service", 88),
        Column("count", "Times", 20, "RIGHT"),
        Column("amount", "Revenue", 34, "RIGHT"),
        Column("currency", "", 14),
    )

    def __init__(self, period: Period) -> None:
        self._period, self._day = period, period.first
        self._sold: dict[tuple[UUID, str], _ServiceTotal] = {}
        self._visits = 0
        self._earned: Counter[str] = Counter()

    def rows(self, bookings: Sequence[Booking], barbers: Names) -> Iterator[Row]:  # noqa: ARG002 -- sums all barbers
        for booking in bookings:
            day = self._period.local(booking.scheduled_at).date()
            if day != self._day:
                yield from self.remaining_rows()
                self._day = day
            self._count(booking)

    def remaining_rows(self) -> Iterator[Row]:
        by_name = sorted(self._sold.items(), key=lambda sold: (sort_key(sold[1].name), sold[1].name, sold[0]))
        self._sold = {}
        for (service_id, currency), sold in by_name:
            yield _day(self._day), str(service_id), sold.name, sold.count, decimal_of(sold.amount, currency), currency

    def totals(self) -> list[str]:
        visits = f"{self._visits} completed visit{'' if self._visits == 1 else 's'}"
        return [visits, *_amount_lines("Revenue", self._earned)]

    def _count(self, booking: Booking) -> None:
        self._visits += 1
        self._earned[booking.currency] += booking.price
        for service, _, _, net in service_figures(booking):
            sold = self._sold.setdefault((service.service_id, booking.currency), _ServiceTotal(service.name))
            sold.count += 1
            sold.amount += net


class PayoutsTable(ReportTable):
    """Yields no rows, because Grome makes no payouts yet."""

    title = "Payouts"
    columns = (
        Column("payout_id"),
        Column("paid_at", "Paid", 40),
        Column("barber_id"),
        Column("barber", "Barber", 80),
        Column("amount", "Amount", 40, "RIGHT"),
        Column("currency", "", 22),
        Column("status"),
    )

    def totals(self) -> list[str]:
        return ["0 payouts"]


def _utc(moment: datetime) -> str:
    """Format as RFC 3339."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _day(day: date) -> str:
    return day.isoformat()


def _amount_lines(what: str, amounts: Mapping[str, int]) -> Iterator[str]:
    return (f"{what}: {decimal_of(amount, currency):,} {currency}" for currency, amount in sorted(amounts.items()))


# Stands for the name of a barber without a profile.
DELETED_BARBER: Final = "(deleted)"
EMPTY_NOTE: Final = "There is nothing in this period."
