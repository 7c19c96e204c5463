"""Calculate how many documents a platform stores, and their bytes on disk and in memory."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from benchmarks.scale.assumptions import Assumptions
from benchmarks.scale.measured import CollectionSize, Sample

DAYS_OF_YEAR: Final = 365.25
MONTHS: Final = 12
# Days until documents expire; everything else is kept. docs/bounds.md has the reasons.
RETENTION_DAYS: Final[Mapping[str, float]] = {
    "jobs": 7,
    "notifications": 90,
    "notification_slots": 1,
    "webhook_deliveries": 30,
    "stripe_events": 60,
    "budgets": 1,
}
# Documents for each user and each barber, where the sample counts the first visit of both.
_USER_AND_BARBER: Final[Mapping[str, tuple[float, float]]] = {
    "person_keys": (1, 1),
    "payment_customers": (1, 0),
    "favourites": (1, 0),
    "ratings": (0, 1),
    "ledger_totals": (0, 3),
}
# Partial indexes with entries of visits to come, and those with entries for moments or for few.
_OF_OPEN_VISITS: Final = frozenset({("bookings", "ticks"), ("bookings", "open_visits")})
_OF_FEW: Final = frozenset(
    {
        *(("bookings", name) for name in ("unanswered", "unpaid", "proposed")),
        *(("jobs", name) for name in ("pending", "newest_dead", "kept_dead", "kept_dropped")),
        *(("ledger_entries", name) for name in ("unsealed", "unsealed_account")),
        *(("payments", name) for name in ("to_check", "attempt")),
        *(("conversations", name) for name in ("customer_unread", "barber_unread")),
        *(("users", name) for name in ("phone", "claimed_email", "claimed_phone", "to_erase")),
    }
)

# Indexes that begin with these grow at one end, or at a few; entries of all others lie anywhere.
_GROWING: Final = frozenset(
    {"_id", "at", "created_at", "received_at", "ended_at", "ends_at", "scheduled_at", "until", "seq", "type", "state"}
)
# Of a leaf of MongoDB's indexes.
_PAGE_BYTES: Final = 16_384
# Records and logs that are written, and read seldom afterwards: their documents stay in memory like pages of indexes.
_SELDOM_READ: Final = frozenset({*RETENTION_DAYS, "audit", "ledger_entries"})


class Stock(Struct, frozen=True, kw_only=True):
    """Documents of a collection, and bytes: stored, of indexes, and in memory."""

    name: str
    documents: float
    a_year: float
    """New documents in a year; they add to `documents` only where nothing expires."""
    stored: float
    indexes: float
    hot: float
    """Documents that are read often, and the pages of indexes that are read or written."""


class People(Struct, frozen=True):
    """Users, barbers and their bookings in a year."""

    users: float
    barbers: float
    bookings_a_year: float

    @property
    def bookings_a_day(self) -> float:
        return self.bookings_a_year / DAYS_OF_YEAR


def people_of(users: float, given: Assumptions) -> People:
    monthly = users * given.bookings_a_month
    return People(users, monthly / given.visits_of_a_barber, monthly * MONTHS)


def stocks_of(people: People, sample: Sample, given: Assumptions) -> list[Stock]:
    """Return the stocks of all collections, the largest first."""
    stocks = [_stock(people, size, given) for size in sample.collections]
    return sorted(stocks, key=lambda stock: -(stock.stored + stock.indexes))


def _stock(people: People, size: CollectionSize, given: Assumptions) -> Stock:
    if size.name in _USER_AND_BARBER:
        each_user, each_barber = _USER_AND_BARBER[size.name]
        each_visit = 0.0
    else:
        each_user, each_barber, each_visit = size.each_user, size.each_barber, size.each_visit
    retention = RETENTION_DAYS.get(size.name)
    of_people = 0.0 if retention else people.users * each_user + people.barbers * each_barber
    kept_days = min(retention or float("inf"), given.years * DAYS_OF_YEAR)
    daily = people.bookings_a_day * each_visit
    documents = of_people + daily * kept_days
    hot_days = min(kept_days, given.page_days if size.name in _SELDOM_READ else given.hot_days)
    indexes = hot = 0.0
    for index in size.indexes:
        entries = _entries(size.name, index.name, documents, people, given)
        indexes += index.bytes_each * entries
        if index.first in _GROWING:
            hot += index.bytes_each * min(entries, of_people + daily * hot_days)
        else:
            pages = daily * given.page_days * _PAGE_BYTES
            hot += min(index.bytes_each * entries, index.bytes_each * of_people + pages)
    return Stock(
        name=size.name,
        documents=documents,
        a_year=daily * DAYS_OF_YEAR,
        stored=documents * size.stored,
        indexes=indexes,
        hot=hot + size.document * (of_people + daily * hot_days),
    )


def _entries(collection: str, index: str, documents: float, people: People, given: Assumptions) -> float:
    if (collection, index) in _OF_OPEN_VISITS:
        return min(documents, people.bookings_a_day * given.days_ahead)
    return 0.0 if (collection, index) in _OF_FEW else documents
