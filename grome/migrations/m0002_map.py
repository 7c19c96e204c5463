"""What the search on the map needs of a barber: a version, how far house calls go, the part of town."""

from grome.barbers import repository as barbers
from grome.common.mongo import Database, apply_collection

_ADDED = {"version": 1, "service_radius_km": 0.0, "neighbourhood": ""}


async def up(database: Database) -> None:
    await apply_collection(database, barbers.COLLECTION)  # first, for the older validator knows no such fields
    # In one go, since what lacks any of them the new validator refuses; what a barber has already stays.
    complete = [{"$replaceWith": {"$mergeObjects": [_ADDED, "$$ROOT"]}}]
    await database[barbers.COLLECTION.name].update_many({"version": {"$exists": False}}, complete)
