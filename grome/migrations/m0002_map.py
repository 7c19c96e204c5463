"""Add fields for searches: version, service radius, neighbourhood and search words of barbers."""

from grome.barbers import repository as barbers
from grome.catalogue import repository as catalogue
from grome.infrastructure.mongo.client import Database, apply_collection, drop_index


async def up(database: Database) -> None:
    for spec in (barbers.COLLECTION, catalogue.COLLECTION):
        await apply_collection(database, spec)  # first, for the older validators know no such fields
    await barbers.BarberRepository(database).backfill_words()
    await catalogue.ServiceRepository(database).backfill_words()
    await drop_index(database[catalogue.COLLECTION.name], "words")  # of texts, which found no beginnings of words
    await drop_index(database[barbers.COLLECTION.name], "service_location")  # services are narrowed in memory now
