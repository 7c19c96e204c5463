"""Add bounds that the database itself enforces, and the fields that they need.

Applies every collection's validator and indexes as they are declared now. Normalizes stored emails and phone numbers; a
value that is invalid, or that another account has already, stays unchanged and is logged. Recomputes the search words
of barbers and services.
"""

from loguru import logger

from grome.accounts.repository import SESSIONS, USERS, UserRepository
from grome.barbers.repository import COLLECTION as BARBERS
from grome.barbers.repository import BarberRepository
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.calendar_feeds.repository import PUBLISHED as CALENDARS_TOLD
from grome.catalogue.repository import COLLECTION as SERVICES
from grome.catalogue.repository import ServiceRepository
from grome.common.email_addresses import normalize_email
from grome.common.phone_numbers import normalize_phone
from grome.infrastructure.mongo.budgets import COLLECTION as BUDGETS
from grome.infrastructure.mongo.client import Database, apply_collection, drop_index
from grome.infrastructure.mongo.unique_index import build_unique_index
from grome.migrations import m0003_effects, m0004_shop_rules
from grome.promos.repository import ONE_HOLD
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

_NORMAL_FORMS = {"email": normalize_email, "phone": normalize_phone}


async def up(database: Database) -> None:
    await build_unique_index(database[PROMO_USES.name], ONE_HOLD, lambda: _leave_one_hold(database))
    for spec in COLLECTIONS:
        await apply_collection(database, spec)
    await _let_moving_follow_cancelling(database)
    await _normalize_addresses(database)
    await BarberRepository(database).renew_words()
    await ServiceRepository(database).renew_words()
    await ServiceRepository(database).backfill_name_keys()
    await drop_index(database[SERVICES.name], "category")  # of names by code point


async def _leave_one_hold(database: Database) -> None:
    """Delete all but the last hold of each customer on each promo."""
    uses = database[PROMO_USES.name]
    holds = await uses.aggregate(
        [
            {"$match": {"firm": False}},
            {"$sort": {"held_until": -1}},
            {"$group": {"_id": ["$promo_id", "$customer_id"], "ids": {"$push": "$_id"}}},
            {"$match": {"ids.1": {"$exists": True}}},
        ]
    )
    async for group in holds:
        await uses.delete_many({"_id": {"$in": group["ids"][1:]}, "firm": False})


async def _let_moving_follow_cancelling(database: Database) -> None:
    """Set a reschedule notice of 0 to the cancel notice if that is longer.

    The field was required before, so 0 was also stored for barbers that had not chosen a reschedule notice.
    """
    notices = "terms.cancellation.reschedule_notice_min", "terms.cancellation.cancel_notice_min"
    follows = [{"$set": {notices[0]: f"${notices[1]}"}}]
    await database[BARBERS.name].update_many({notices[0]: 0, notices[1]: {"$gt": 0}}, follows)


async def _normalize_addresses(database: Database) -> None:
    for user_id, field in await UserRepository(database).normalize_addresses(_NORMAL_FORMS):
        logger.warning("The {} of account {} cannot be brought into normal form and stays as it is", field, user_id)
