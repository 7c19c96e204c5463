"""The assumptions about people and machines that the calculation starts from."""

from msgspec import Struct


class Assumptions(Struct, frozen=True, kw_only=True):
    """Every field is an option of `python -m benchmarks.scale`, and a row in docs/scale.md."""

    bookings_a_month: float = 0.8
    """bookings of a user in a month"""
    visits_of_a_barber: float = 120.0
    """visits of a barber in a month; from it follows the number of barbers"""
    peak: float = 8.0
    """the busiest minutes, as a multiple of the average"""
    searches: float = 10.0
    """searches on the map for each booking"""
    slot_lists: float = 4.0
    """lists of a barber's free times for each booking"""
    other_reads: float = 20.0
    """further reading requests for each booking"""
    online: float = 0.01
    """share of all users with a live connection at the peak"""
    trips: float = 0.05
    """share of visits to which the barber travels and shares positions"""
    positions: float = 180.0
    """positions of a trip: 15 minutes, each 5 seconds"""
    years: float = 3.0
    """years of full operation; their documents are stored"""
    days_ahead: float = 7.0
    """days between booking and visit"""
    hot_days: float = 30.0
    """days for which documents are read often, and so belong into memory"""
    page_days: float = 1.0
    """days after which a page of an index that nobody needed may leave memory"""
    read_ms: float = 0.3
    """milliseconds of mongod's CPU for a read; not measured"""
    load: float = 0.5
    """share of a core that is used at the peak"""
    copies: int = 3
    """members of a replica set of MongoDB"""
    mongo_cores: int = 16
    """cores of a machine of MongoDB"""
    mongo_memory_gb: float = 128.0
    """memory of a machine of MongoDB; WiredTiger's cache gets half of it"""
    mongo_disk_tb: float = 2.0
    """disk of a machine of MongoDB"""
    valkey_memory_gb: float = 16.0
    """memory of a node of Valkey for data"""


class Prices(Struct, frozen=True, kw_only=True):
    """Prices of a month, in any currency; None where the reader gave none."""

    core_month: float | None = None
    """a core"""
    memory_gb_month: float | None = None
    """a gigabyte of memory"""
    disk_tb_month: float | None = None
    """a terabyte of fast disk"""
    egress_tb: float | None = None
    """a terabyte that leaves the network"""
