"""Declare the personal data of payouts. A barber with a balance cannot be deleted."""

from collections.abc import Sequence
from typing import Final

from grome.common.actor import BARBERS
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
)
from grome.infrastructure.personal_data import OpenMatter, Person
from grome.ledger.service import Ledger
from grome.payouts.repository import ACCOUNTS, PAYOUTS

_ACCOUNTS: Final = PersonalCollection(
    spec=ACCOUNTS,
    shares=(
        Share(
            owner="_id",
            fate=Fate.KEPT,
            cleared_items={"outbox": {"origin": None}},
            exported=(
                "country",
                "stripe_id",
                "transfers",
                "currency",
                "requirements",
                "closed",
                "activated_at",
                "former",
                "bank_failed_at",
                "bank_paid_at",
                "created_at",
            ),
            reason="The id of the account at Stripe stays, because payouts refer to it; Stripe keeps the identity.",
            roles=BARBERS,
        ),
    ),
    # The hold and the outbox have reasons and ids of admins.
    internal=frozenset({"number", "checked_at", "hold", "planned", "decisions", "outbox", "version", "updated_at"}),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=PAYOUTS,
        shares=(
            Share(
                owner="barber_id",
                fate=Fate.KEPT,
                cleared_items={"history": {"origin": None}},
                exported=(
                    "_id",
                    "amount",
                    "currency",
                    "period",
                    "since",
                    "until",
                    "sums",
                    "state",
                    "returned",
                    "failure",
                    "created_at",
                    "sent_at",
                ),
                reason="Payouts are part of the books.",
                open_if={"open": True},
                open_kind="payouts",
                roles=BARBERS,
            ),
        ),
        internal=frozenset({"destination", "open", "attempt", "transfer_id", "history", "version", "updated_at"}),
    ),
    _ACCOUNTS,
)


class PayoutAccountData(PersonalDocuments):
    """The account of a barber at Stripe. Money that is owed or due to the barber forbids the deletion."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        super().__init__(database, _ACCOUNTS)
        self._ledger = ledger

    async def find_open(self, person: Person) -> Sequence[OpenMatter]:
        if person.role not in BARBERS:
            return ()
        async with self._ledger.snapshot() as session:
            sums = await self._ledger.barber_sums(session, person.id)
        count = sum(1 for each in sums if each.payable or each.held)
        return (OpenMatter("balance", count),) if count else ()
