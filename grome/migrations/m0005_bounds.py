"""Bounds that the database itself holds, and the fields that they need.

Applies every collection's validator and indexes as they are declared now.
"""

from grome.accounts.repository import SESSIONS, USERS
from grome.barbers.repository import COLLECTION as BARBERS
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.calendar.repository import TOLD as CALENDARS_TOLD
from grome.catalogue.repository import COLLECTION as SERVICES
from grome.common.mongo import Database, apply_collection
from grome.common.mongo_budgets import COLLECTION as BUDGETS
from grome.migrations import m0003_effects, m0004_shop_rules
from grome.promos.repository import USES as PROMO_USES

COLLECTIONS = (
    USERS,
    SESSIONS,
    SERVICES,
    BARBERS,
    BOOKINGS,
    BUDGETS,
    CALENDARS_TOLD,
    *m0003_effects.COLLECTIONS,
    *m0004_shop_rules.COLLECTIONS,
)


async def up(database: Database) -> None:
    await _leave_one_hold(database)
    for spec in COLLECTIONS:
        await apply_collection(database, spec)
    await _let_moving_follow_cancelling(database)


async def _leave_one_hold(database: Database) -> None:
    """Of the holds that quotes of one customer have of one promo, only the last stays: a unique index comes."""
    uses = database[PROMO_USES.name]
    holds = await uses.aggregate(
        [
            {"$match": {"firm": False}},
            {"$sort": {"held_until": -1}},
            {"$group": {"_id": ["$promo_id", "$customer_id"], "ids": {"$push": "$_id"}}},
            {"$match": {"ids.1": {"$exists": True}}},
        ]
    )
    async for one in holds:
        await uses.delete_many({"_id": {"$in": one["ids"][1:]}, "firm": False})


async def _let_moving_follow_cancelling(database: Database) -> None:
    """Nobody could leave the reschedule notice out before: 0 was stored for barbers who did not think of it."""
    notices = "terms.cancellation.reschedule_notice_min", "terms.cancellation.cancel_notice_min"
    follows = [{"$set": {notices[0]: f"${notices[1]}"}}]
    await database[BARBERS.name].update_many({notices[0]: 0, notices[1]: {"$gt": 0}}, follows)
