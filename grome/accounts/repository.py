"""Store users and login sessions in MongoDB."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from pymongo import IndexModel, ReturnDocument
from pymongo.collation import Collation, CollationStrength
from pymongo.errors import DuplicateKeyError

from grome.accounts.models import (
    AccountEvent,
    AddressField,
    Device,
    LoginSession,
    NamedAccounts,
    PastSignIn,
    Preferences,
    SessionLife,
    SignInName,
    User,
)
from grome.common.actor import SignInMethod
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    backfill,
    from_document,
    insert_missing,
    to_document,
)
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session

NAME_COLLATION: Final = Collation(locale="en", strength=CollationStrength.PRIMARY)
USERS = CollectionSpec(
    "users",
    validator_for(User),
    # Partial and not sparse: a sparse unique index still admits one explicit null.
    [
        *(
            IndexModel(field, name=field, unique=True, partialFilterExpression={field: {"$type": "string"}})
            for field in ("email", "phone", "claimed_email", "claimed_phone")
        ),
        IndexModel("erase_at", name="to_erase", partialFilterExpression={"erase_at": {"$type": "date"}}),
        IndexModel([("name", 1), ("_id", -1)], name="name", collation=NAME_COLLATION),
    ],
)
SESSIONS = CollectionSpec(
    "sessions",
    validator_for(LoginSession),
    [
        IndexModel([("user_id", 1), ("device.id", 1)], name="user_device"),
        IndexModel([("user_id", 1), ("_id", -1)], name="newest"),
        IndexModel("expires_at", name="expiry", expireAfterSeconds=0),
    ],
)

# Limits of one account. Ended sessions are kept for a while, to tell a new device from a known device.
MAX_LIVE_SESSIONS: Final = 50
MAX_ENDED_SESSIONS: Final = 100
_TRIM_BATCH: Final = 100
MAX_OUTBOX: Final = 20  # the relay reads events within seconds of the write that adds them


class UserCursor(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the position at which a page of users ended."""

    id: UUID


class UserRepository:
    def __init__(self, database: Database) -> None:
        self._users = database[USERS.name]

    async def insert(self, user: User) -> bool:
        """Store a user. Returns False if an address is owned or claimed by now, which unique indexes decide."""
        try:
            await self._users.insert_one(to_document(user))
        except DuplicateKeyError:
            return False
        return True

    async def add_many(self, users: Sequence[User]) -> int:
        """Add the users with a free id, email and phone and skip the rest; return the number of added users."""
        return await insert_missing(self._users, [to_document(user) for user in users])

    async def find(self, user_id: UUID) -> User | None:
        document = await self._users.find_one({"_id": user_id})
        return from_document(document, User) if document else None

    async def find_names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        found = self._users.find({"_id": {"$in": list(user_ids)}}, {"name": 1})
        return {document["_id"]: document["name"] async for document in found}

    async def find_hiding_last_seen(self, user_ids: Collection[UUID]) -> frozenset[UUID]:
        wanted = {"_id": {"$in": list(user_ids)}, "preferences.show_last_seen": False}
        return frozenset([document["_id"] async for document in self._users.find(wanted, {"_id": 1})])

    async def find_by_name(self, name: SignInName) -> NamedAccounts:
        """Find the owner and the claimant of an address; of two owners, the owner of the earlier form."""
        owned, claimed, forms = name.field, f"claimed_{name.field}", list(name.forms)
        found = await self._users.find({"$or": [{owned: {"$in": forms}}, {claimed: {"$in": forms}}]}).to_list()

        def first(field: str) -> User | None:
            by_form = {document.get(field): document for document in found}
            document = next((by_form[form] for form in forms if form in by_form), None)
            return from_document(document, User) if document else None

        return NamedAccounts(first(owned), first(claimed))

    async def find_owners(self, email: str | None, phone: str | None) -> dict[AddressField, UUID]:
        """Return the accounts that own these addresses."""
        wanted: dict[AddressField, str] = {}
        if email:
            wanted["email"] = email
        if phone:
            wanted["phone"] = phone
        found = await self._users.find(
            {"$or": [{field: address} for field, address in wanted.items()]}, {"email": 1, "phone": 1}
        ).to_list()
        return {
            field: document["_id"]
            for document in found
            for field, address in wanted.items()
            if document.get(field) == address
        }

    async def drop_claims(self, email: str | None, phone: str | None) -> None:
        """Remove the claims of other accounts to these addresses."""
        for field, address in (("claimed_email", email), ("claimed_phone", phone)):
            if address:
                await self._users.update_one({field: address}, {"$set": {field: None}})

    async def assign_address(
        self, user_id: UUID, field: AddressField, address: str, event: AccountEvent | None
    ) -> User | None:
        """Give an account an address that it has proved. Returns None if another account owns the address."""
        update: Document = {"$set": {field: address, f"{field}_verified": True, f"claimed_{field}": None}}
        if event:
            update["$push"] = _outbox_push(event)
        try:
            return await self._update(user_id, update)
        except DuplicateKeyError:
            return None

    async def release_unverified(self, field: AddressField, address: str) -> None:
        """Take an address away from an account that never proved it."""
        await self._users.update_one({field: address, f"{field}_verified": {"$ne": True}}, {"$set": {field: None}})

    async def mark_verified(self, user_id: UUID, field: AddressField, address: str) -> None:
        await self._users.update_one({"_id": user_id, field: address}, {"$set": {f"{field}_verified": True}})

    async def set_password(self, user: User, new_hash: str, event: AccountEvent) -> User | None:
        """Store a new hash in place of the user's hash. Returns None if the hash is another by now."""
        document = await self._users.find_one_and_update(
            {"_id": user.id, "password_hash": user.password_hash, "deleted_at": None},
            {"$set": {"password_hash": new_hash, "password_changed_at": event.at}, "$push": _outbox_push(event)},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, User) if document else None

    async def renew_hash(self, user: User, new_hash: str) -> None:
        """Store another hash of the same password, unless the password was changed meanwhile."""
        await self._users.update_one(
            {"_id": user.id, "password_hash": user.password_hash}, {"$set": {"password_hash": new_hash}}
        )

    async def change_fields(
        self, user_id: UUID, before: Mapping[str, Any], changed: Mapping[str, Any], event: AccountEvent
    ) -> User | None:
        """Set fields by their paths, with an event, if they still have the values `before`."""
        outbox = {"$each": [to_document(event)], "$slice": -MAX_OUTBOX}
        document = await self._users.find_one_and_update(
            {"_id": user_id, **before},
            {"$set": dict(changed), "$push": {"outbox": outbox}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, User) if document else None

    async def normalize_addresses(self, normalize: Mapping[str, Callable[[str], str]]) -> list[tuple[UUID, str]]:
        """Bring stored emails and phones into normal form, each by its field's function.

        Returns the accounts and fields that stay as they are, because another account has the address too, or because
        the function refuses it.
        """
        left: list[tuple[UUID, str]] = []
        for field, normal_form in normalize.items():
            async for user in self._users.find({field: {"$type": "string"}}, {field: 1}):
                try:
                    normal = normal_form(user[field])
                    if normal != user[field]:
                        await self._users.update_one(
                            {"_id": user["_id"], field: user[field]}, {"$set": {field: normal}}
                        )
                except (DuplicateKeyError, ValueError):
                    left.append((user["_id"], field))
        return left

    async def set_preferences(self, user_id: UUID, changed: Mapping[str, Any]) -> User | None:
        return await self._update(user_id, {"$set": {f"preferences.{path}": value for path, value in changed.items()}})

    async def add_muted_topic(self, user_id: UUID, topic: str) -> User | None:
        return await self._update(user_id, {"$addToSet": {"preferences.notifications.no_mail_about": topic}})

    async def mark_deleted(self, user_id: UUID, erase_at: datetime, event: AccountEvent) -> None:
        """Mark an account as deleted, and record the event. A repeat changes nothing."""
        await self._users.update_one(
            {"_id": user_id, "deleted_at": None},
            {
                "$set": {"deleted_at": event.at, "erase_at": erase_at},
                "$push": {"outbox": {"$each": [to_document(event)], "$slice": -MAX_OUTBOX}},
            },
        )

    async def list_to_erase(self, before: datetime, after: UUID | None, limit: int) -> list[UUID]:
        """List the ids of deleted accounts that are to be erased before this moment, oldest first."""
        behind = {"_id": {"$gt": after}} if after else {}
        found = self._users.find({"erase_at": {"$lt": before}, **behind}, {"_id": 1}).sort("_id", 1).limit(limit)
        return [document["_id"] async for document in found]

    async def anonymise(self, user_id: UUID, event: AccountEvent) -> None:
        """Remove the personal fields of a deleted account, and record the event. A repeat changes nothing."""
        removed = ("email", "phone", "claimed_email", "claimed_phone", "suspension_reason", "password_changed_at")
        fields = {"name": "", "password_hash": "", "preferences": to_document(Preferences()), "erase_at": None}
        await self._users.update_one(
            {"_id": user_id, "erase_at": {"$type": "date"}},
            {
                # The events before are recorded long since, and have addresses and old values.
                "$set": {**fields, "email_verified": False, "phone_verified": False, "outbox": [to_document(event)]},
                "$unset": dict.fromkeys(removed, ""),
            },
        )

    async def search(self, query: Document, after: UserCursor | None, limit: int) -> list[User]:
        """Return the users that match `query`, the newest first. Names are compared without case and accents."""
        wanted = {"$and": [query, {"_id": {"$lt": after.id}}]} if after else query
        found = self._users.find(wanted, collation=NAME_COLLATION if "name" in query else None).sort("_id", -1)
        return [from_document(document, User) async for document in found.limit(limit)]

    async def set_suspension(
        self, session: Session, user_id: UUID, suspended_at: datetime | None, reason: str, event: AccountEvent
    ) -> User | None:
        """Suspend an account, or restore it without a time. Returns None if there is nothing to change."""
        outbox = {"$each": [to_document(event)], "$slice": -MAX_OUTBOX}
        fields = {"suspended_at": suspended_at, "suspension_reason": reason}
        document = await self._users.find_one_and_update(
            {"_id": user_id, "deleted_at": None, "suspended_at": None if suspended_at else {"$ne": None}},
            {"$set": fields, "$push": {"outbox": outbox}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(document, User) if document else None

    async def add_event(self, user_id: UUID, event: AccountEvent) -> None:
        """Append an event that changes nothing else of the account."""
        await self._users.update_one({"_id": user_id}, {"$push": _outbox_push(event)})

    async def _update(self, user_id: UUID, update: Document) -> User | None:
        document = await self._users.find_one_and_update({"_id": user_id}, update, return_document=ReturnDocument.AFTER)
        return from_document(document, User) if document else None

    async def backfill(self) -> None:
        """Give accounts of releases without messages an empty outbox, and the preferences that they lack."""
        await backfill(self._users, "outbox", _missing_user_fields, {"preferences": {"$exists": True}})


def _outbox_push(event: AccountEvent) -> Document:
    return {"outbox": {"$each": [to_document(event)], "$slice": -MAX_OUTBOX}}


def _missing_user_fields(old: Document) -> Document:
    preferences = from_document(old["preferences"], Preferences)
    return {"outbox": [], "preferences": to_document(preferences)}


class SessionRepository:
    def __init__(self, database: Database) -> None:
        self._sessions = database[SESSIONS.name]

    async def add(self, session: LoginSession) -> None:
        await self._sessions.insert_one(to_document(session))

    async def find(self, session_id: UUID) -> LoginSession | None:
        document = await self._sessions.find_one({"_id": session_id})
        return from_document(document, LoginSession) if document else None

    async def is_live(self, session_id: UUID, now: datetime) -> bool:
        """Return whether the session is live.

        TTL deletion lags by a minute or more, so the query checks the expiry too.
        """
        live = {"_id": session_id, "revoked_at": None, "expires_at": {"$gt": now}}
        return await self._sessions.find_one(live, {"_id": 1}) is not None

    async def filter_live(self, session_ids: Collection[UUID], now: datetime) -> frozenset[UUID]:
        """Return the live sessions among these."""
        live = {"_id": {"$in": list(session_ids)}, "revoked_at": None, "expires_at": {"$gt": now}}
        return frozenset([document["_id"] async for document in self._sessions.find(live, {"_id": 1})])

    async def rotate(self, session_id: UUID, generation: int, life: SessionLife, now: datetime) -> LoginSession | None:
        """Exchange the newest token for the next; one atomic write, so one of several concurrent requests rotates.

        Returns None if the token is not the newest, or the session has ended.
        """
        changed = {"generation": generation + 1, "parent": generation}
        return await self._exchange({"_id": session_id, "generation": generation}, changed, life, now)

    async def renew_child(
        self, session_id: UUID, generation: int, life: SessionLife, now: datetime
    ) -> LoginSession | None:
        """Replace the newest token, which was never used, by the next one of the same parent.

        Returns None if the newest token is another by now, or the session has ended.
        """
        newest = {"_id": session_id, "generation": generation}
        return await self._exchange(newest, {"generation": generation + 1}, life, now)

    async def adopt(self, session_id: UUID, token_hash: bytes, life: SessionLife, now: datetime) -> LoginSession | None:
        """Give a session from before tokens had numbers its first numbered token, for its newest token or its parent.

        Returns None if the session has numbers, has another hash, or has ended.
        """
        query = {
            "_id": session_id,
            "generation": {"$in": [0, None]},
            "$or": [{"token_hash": token_hash}, {"previous_hash": token_hash}],
        }
        changed = {"generation": 1, "parent": 0, "token_hash": b"", "previous_hash": token_hash}
        return await self._exchange(query, changed, life, now)

    async def _exchange(
        self, query: Document, changed: Document, life: SessionLife, now: datetime
    ) -> LoginSession | None:
        latest = {"$add": ["$first_seen", life.absolute // timedelta(milliseconds=1)]}
        # `$min` ignores the `ends_at` that sessions of earlier releases lack.
        expires_at = {"$min": [now + life.idle, "$ends_at", latest]}
        document = await self._sessions.find_one_and_update(
            {**query, "revoked_at": None, "expires_at": {"$gt": now}},
            [{"$set": {**changed, "rotated_at": now, "last_seen": now, "expires_at": expires_at}}],
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, LoginSession) if document else None

    async def authenticate(
        self, session_id: UUID, methods: Collection[SignInMethod], now: datetime
    ) -> LoginSession | None:
        """Record a proof of identity. Returns None if the session has ended."""
        document = await self._sessions.find_one_and_update(
            {"_id": session_id, "revoked_at": None, "expires_at": {"$gt": now}},
            {"$set": {"authenticated_at": now}, "$addToSet": {"methods": {"$each": sorted(methods)}}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, LoginSession) if document else None

    async def revoke(
        self, session_id: UUID, why: str, now: datetime, notice: AccountEvent | None = None
    ) -> LoginSession | None:
        """Revoke a session, with `notice` as an event to its owner; returns the session as it was.

        Returns None if the session was revoked before or does not exist.
        """
        changed: Document = {"revoked_at": now, "revoked_why": why}
        if notice:
            changed["notice"] = to_document(notice)
        document = await self._sessions.find_one_and_update({"_id": session_id, "revoked_at": None}, {"$set": changed})
        return from_document(document, LoginSession) if document else None

    async def trim(self, user_id: UUID, now: datetime) -> list[UUID]:
        """Delete ended sessions beyond MAX_ENDED_SESSIONS, and return the live ones beyond MAX_LIVE_SESSIONS.

        Called after a session was added, so that the last of several concurrent logins counts all of their sessions.
        """
        mine = self._sessions.find({"user_id": user_id}, {"revoked_at": 1, "expires_at": 1}).sort("_id", -1)
        live, ended = list[UUID](), list[UUID]()
        async for one in mine.limit(MAX_LIVE_SESSIONS + MAX_ENDED_SESSIONS + _TRIM_BATCH):
            (live if one.get("revoked_at") is None and one["expires_at"] > now else ended).append(one["_id"])
        if len(ended) > MAX_ENDED_SESSIONS:
            has_ended = {"$or": [{"revoked_at": {"$ne": None}}, {"expires_at": {"$lte": now}}]}
            kept_since = ended[MAX_ENDED_SESSIONS - 1]
            await self._sessions.delete_many({"user_id": user_id, **has_ended, "_id": {"$lt": kept_since}})
        return live[MAX_LIVE_SESSIONS:]

    async def list_live_on_device(self, user_id: UUID, device_id: str) -> list[UUID]:
        mine = {"user_id": user_id, "device.id": device_id, "revoked_at": None}
        return [document["_id"] async for document in self._sessions.find(mine, {"_id": 1}).limit(100)]

    async def know_device(self, user_ids: Collection[UUID], device_id: str) -> bool:
        """Return whether one of the users has signed in on the device, as far back as sessions are kept."""
        theirs = {"user_id": {"$in": list(user_ids)}, "device.id": device_id}
        return await self._sessions.find_one(theirs, {"_id": 1}) is not None

    async def list_past(self, user_id: UUID) -> list[PastSignIn]:
        """Return the user's sign-ins as far back as sessions are kept, the newest first."""
        fields = {"_id": 0, "device": 1, "country": 1, "last_seen": 1}
        found = self._sessions.find({"user_id": user_id}, fields).sort("_id", -1)
        return [from_document(one, PastSignIn) async for one in found.limit(MAX_LIVE_SESSIONS + MAX_ENDED_SESSIONS)]

    async def list_live(self, user_id: UUID, now: datetime) -> list[LoginSession]:
        """Return the user's live sessions, the newest first."""
        found = self._sessions.find(_live_of(user_id, now)).sort("_id", -1).limit(2 * MAX_LIVE_SESSIONS)
        return [from_document(document, LoginSession) async for document in found]

    async def is_live_of(self, session_id: UUID, user_id: UUID, now: datetime) -> bool:
        """Return whether the session is live and belongs to the user."""
        return await self._sessions.find_one({"_id": session_id, **_live_of(user_id, now)}, {"_id": 1}) is not None

    async def list_live_devices(self, user_id: UUID, now: datetime) -> set[str]:
        """Return the ids of the devices on which the user is signed in."""
        live = {"device.id": {"$type": "string"}, **_live_of(user_id, now)}
        return set(await self._sessions.distinct("device.id", live))

    async def find_notice_device(self, user_id: UUID, event_id: UUID) -> Device | None:
        """Find the device of the session with this notice. Returns None if there is none."""
        document = await self._sessions.find_one({"user_id": user_id, "notice.id": event_id})
        return from_document(document, LoginSession).device if document else None

    async def backfill(self) -> None:
        """Give sessions of releases without notices an empty `notice`."""
        await backfill(self._sessions, "notice", lambda _: {"notice": None}, {"device": {"$exists": True}})


def _live_of(user_id: UUID, now: datetime) -> Document:
    return {"user_id": user_id, "revoked_at": None, "expires_at": {"$gt": now}}
