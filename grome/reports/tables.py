"""Build the content of reports: columns, rows and totals, without I/O."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from grome.bookings.figures import service_figures, visible_min
from grome.bookings.models import Booking, Status
from grome.common.money import decimal_of
from grome.common.search_words import sort_key
from grome.infrastructure.documents.tables import Column, Row
from grome.ledger.models import Entry, barbers_of
from grome.ledger.schemas import StatementLine, statement_line
from grome.payouts.models import Payout
from grome.reports.models import Kind, Period

Names = Mapping[UUID, str]
T = TypeVar("T")


class ReportTable(ABC, Generic[T]):
    """Accepts items in the order of time and yields rows. Bookings must have `status` if it is set."""

    title: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    status: ClassVar[Status | None] = None

    @abstractmethod
    def rows(self, items: Sequence[T], barbers: Names) -> Iterator[Row]:
        """Yield rows. Rows of a day that may continue are held back.

        `barbers` are the names of the barbers with the `barber_ids` of the items.
        """

    @abstractmethod
    def barber_ids(self, items: Sequence[T]) -> set[UUID]:
        """Return the barbers with a name in the rows of the items."""

    def remaining_rows(self) -> Iterator[Row]:
        """Yield the rows that were held back."""
        yield from ()

    @abstractmethod
    def totals(self) -> list[str]:
        """Return sentences for the end of the report."""


def create_table(kind: Kind, period: Period) -> ReportTable[Any]:
    match kind:
        case Kind.BOOKINGS:
            return BookingsTable(period)
        case Kind.REVENUE:
            return RevenueTable(period)
        case Kind.PAYOUTS:
            return PayoutsTable(period)
        case Kind.LEDGER:
            return LedgerTable(period)


class BookingsTable(ReportTable[Booking]):
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

    def rows(self, items: Sequence[Booking], barbers: Names) -> Iterator[Row]:
        for booking in items:
            self._states[booking.status.value] += 1
            if booking.status is Status.COMPLETED:
                self._completed[booking.currency] += booking.price
            yield self._row(booking, barbers.get(booking.barber_id, DELETED_BARBER))

    def barber_ids(self, items: Sequence[Booking]) -> set[UUID]:
        return {booking.barber_id for booking in items}

    def totals(self) -> list[str]:
        states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(self._states.items()))
        count = self._states.total()
        bookings = f"{count} booking{'' if count == 1 else 's'}"
        return [f"{bookings}: {states}" if states else bookings, *_amount_lines("Completed", self._completed)]

    def _row(self, booking: Booking, barber: str) -> Row:
        return (
            str(booking.id),
            _utc(booking.scheduled_at),
            _local(booking.scheduled_at, self._period),
            _utc(booking.ends_at),
            _local(booking.ends_at, self._period),
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


@dataclass(slots=True)
class _ServiceTotal:
    name: str
    count: int = 0
    amount: int = 0


class RevenueTable(ReportTable[Booking]):
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

    def rows(self, items: Sequence[Booking], barbers: Names) -> Iterator[Row]:  # noqa: ARG002 -- sums all barbers
        for booking in items:
            day = self._period.local(booking.scheduled_at).date()
            if day != self._day:
                yield from self.remaining_rows()
                self._day = day
            self._count(booking)

    def barber_ids(self, items: Sequence[Booking]) -> set[UUID]:  # noqa: ARG002 -- sums all barbers
        return set()

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


class PayoutsTable(ReportTable[Payout]):
    """Yields a row for each payout by the time of its transfer. `returned` was reversed later, in whole or in part."""

    title = "Payouts"
    columns = (
        Column("payout_id"),
        Column("paid_at"),
        Column("paid_local", "Paid", 34),
        Column("barber_id"),
        Column("barber", "Barber", 62),
        Column("amount", "Amount", 32, "RIGHT"),
        Column("returned", "Returned", 32, "RIGHT"),
        Column("currency", "", 14),
        Column("status"),
    )

    def __init__(self, period: Period) -> None:
        self._period, self._count = period, 0
        self._paid: Counter[str] = Counter()
        self._returned: Counter[str] = Counter()

    def rows(self, items: Sequence[Payout], barbers: Names) -> Iterator[Row]:
        for payout in items:
            self._count += 1
            self._paid[payout.currency] += payout.amount
            self._returned[payout.currency] += payout.returned
            sent_at = payout.sent_at or payout.updated_at
            yield (
                str(payout.id),
                _utc(sent_at),
                _local(sent_at, self._period),
                str(payout.barber_id),
                barbers.get(payout.barber_id, DELETED_BARBER),
                decimal_of(payout.amount, payout.currency),
                decimal_of(payout.returned, payout.currency),
                payout.currency,
                payout.state.value,
            )

    def barber_ids(self, items: Sequence[Payout]) -> set[UUID]:
        return {payout.barber_id for payout in items}

    def totals(self) -> list[str]:
        payouts = f"{self._count} payout{'' if self._count == 1 else 's'}"
        returned = Counter({currency: amount for currency, amount in self._returned.items() if amount})
        return [payouts, *_amount_lines("Paid", self._paid), *_amount_lines("Returned", returned)]


class LedgerTable(ReportTable[Entry]):
    """Yields a row for each change of a barber's balance; the amount is positive if the balance grows."""

    title = "Statement"
    columns = (
        Column("entry_id"),
        Column("at"),
        Column("local", "Time", 32),
        Column("barber_id"),
        Column("barber", "Barber", 50),
        Column("type", "Type", 38),
        Column("booking_id"),
        Column("commission", "Commission", 26, "RIGHT"),
        Column("amount", "Amount", 28, "RIGHT"),
        Column("currency", "", 12),
    )

    def __init__(self, period: Period) -> None:
        self._period, self._count = period, 0
        self._changes: Counter[str] = Counter()

    def rows(self, items: Sequence[Entry], barbers: Names) -> Iterator[Row]:
        for entry in items:
            for barber_id in barbers_of(entry):
                yield self._row(statement_line(entry, barber_id), barber_id, barbers.get(barber_id, DELETED_BARBER))

    def barber_ids(self, items: Sequence[Entry]) -> set[UUID]:
        return {barber_id for entry in items for barber_id in barbers_of(entry)}

    def totals(self) -> list[str]:
        changes = f"{self._count} change{'' if self._count == 1 else 's'}"
        return [changes, *_amount_lines("Sum", self._changes)]

    def _row(self, line: StatementLine, barber_id: UUID, barber: str) -> Row:
        self._count += 1
        self._changes[line.currency] += line.amount
        return (
            line.id,
            _utc(line.at),
            _local(line.at, self._period),
            str(barber_id),
            barber,
            line.type.value.replace("_", " "),
            str(line.booking_id) if line.booking_id else "",
            decimal_of(line.commission, line.currency),
            decimal_of(line.amount, line.currency),
            line.currency,
        )


def _utc(moment: datetime) -> str:
    """Format as RFC 3339."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _local(moment: datetime, period: Period) -> str:
    return f"{period.local(moment):%Y-%m-%d %H:%M}"


def _day(day: date) -> str:
    return day.isoformat()


def _amount_lines(what: str, amounts: Mapping[str, int]) -> Iterator[str]:
    return (f"{what}: {decimal_of(amount, currency):,} {currency}" for currency, amount in sorted(amounts.items()))


# Stands for the name of a barber without a profile.
DELETED_BARBER: Final = "(deleted)"
EMPTY_NOTE: Final = "There is nothing in this period."
