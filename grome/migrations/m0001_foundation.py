"""The collections of the first release, with the validators and indexes that their repositories declare."""

from grome.accounts.repository import SESSIONS, USERS
from grome.barbers import repository as barbers
from grome.bookings import repository as bookings
from grome.catalogue import repository as catalogue
from grome.infrastructure.mongo.client import Database, apply_collection

COLLECTIONS = (USERS, SESSIONS, catalogue.COLLECTION, barbers.COLLECTION, bookings.COLLECTION)


async def up(database: Database) -> None:
    for spec in COLLECTIONS:
        await apply_collection(database, spec)
