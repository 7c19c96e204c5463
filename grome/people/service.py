"""Administer people: find accounts, suspend and restore them, end their sessions, and reset their second factors."""

from uuid import UUID

from grome.accounts.administration import AccountAdministration
from grome.accounts.models import LoginSession, User
from grome.accounts.service import AccountService
from grome.accounts.sessions import SessionService
from grome.barbers.service import BarberService
from grome.bookings.models import Party
from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor, Role
from grome.common.errors import NotFound
from grome.factors.service import FactorService
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.people.errors import AccountDeleted, OwnAccount
from grome.people.schemas import (
    MAX_BOOKINGS,
    AdminSessionOut,
    AdminUserDetails,
    AdminUserOut,
    AdminUserPage,
    PeopleQuery,
    admin_user_out,
)


class PeopleService:
    """Acts on accounts of others; each action is an event of the account, and so in the audit trail."""

    def __init__(
        self,
        accounts: tuple[AccountAdministration, AccountService, SessionService],
        factors: FactorService,
        barbers: BarberService,
        bookings: BookingQueries,
        transactions: Transactions,
    ) -> None:
        self._administration, self._accounts, self._sessions = accounts
        self._factors, self._barbers, self._bookings, self._transactions = factors, barbers, bookings, transactions

    async def list_page(self, query: PeopleQuery) -> AdminUserPage:
        found, next_cursor = await self._administration.list_page(
            query.search or "", query.role, query.cursor, query.limit, is_suspended=query.is_suspended
        )
        return AdminUserPage([admin_user_out(user) for user in found], next_cursor)

    async def read(self, user_id: UUID) -> AdminUserDetails:
        """Raises NotFound."""
        user = await self._get(user_id)
        sessions = await self._sessions.list_of(user.id)
        open_bookings = []
        if user.role is not Role.ADMIN:
            open_bookings = await self._bookings.list_open_sides(Party(user.role.value), user.id, MAX_BOOKINGS)
        return AdminUserDetails(
            user=admin_user_out(user),
            has_second_factor=await self._factors.has_factor(user.id),
            sessions=[_session_out(session) for session in sessions],
            open_bookings=[booking.id for booking in open_bookings],
        )

    async def suspend(self, actor: Actor, user_id: UUID, reason: str) -> AdminUserOut:
        """Refuse all sign-ins from now on, end all sessions, and take a barber's profile off.

        Bookings stay as they are. A suspended account keeps its first reason. Raises NotFound, OwnAccount and
        AccountDeleted.
        """
        await self._get_other(actor, user_id)

        async def suspend(transaction: Transaction) -> None:
            suspended = await self._administration.suspend(transaction, actor, user_id, reason)
            if suspended and suspended.role is Role.BARBER:
                await self._barbers.set_suspended(transaction, user_id, is_suspended=True)

        await self._transactions.run(user_id, suspend)
        await self._sessions.end_all(user_id, "suspended")  # after the write: sign-ins that were under way end as well
        return admin_user_out(await self._get(user_id))

    async def restore(self, actor: Actor, user_id: UUID, reason: str) -> AdminUserOut:
        """Allow sign-ins again, and show a barber's profile again if it is approved.

        An account that is not suspended stays as it is. Raises NotFound, OwnAccount and AccountDeleted.
        """
        await self._get_other(actor, user_id)

        async def restore(transaction: Transaction) -> None:
            restored = await self._administration.restore(transaction, actor, user_id, reason)
            if restored and restored.role is Role.BARBER:
                await self._barbers.set_suspended(transaction, user_id, is_suspended=False)

        await self._transactions.run(user_id, restore)
        return admin_user_out(await self._get(user_id))

    async def sign_out(self, actor: Actor, user_id: UUID, reason: str) -> None:
        """End all sessions of an account. Raises NotFound, OwnAccount and AccountDeleted."""
        await self._get_other(actor, user_id)
        await self._administration.record_sign_out(actor, user_id, reason)
        await self._sessions.end_all(user_id, "signed out by an admin")

    async def reset_factors(self, actor: Actor, user_id: UUID) -> None:
        """Remove all second factors of a person that has lost them, and end the sessions.

        Raises NotFound, OwnAccount and AccountDeleted.
        """
        await self._get_other(actor, user_id)
        await self._factors.reset(user_id, actor.id)

    async def _get(self, user_id: UUID) -> User:
        user = await self._accounts.find(user_id)
        if user is None:
            raise NotFound
        return user

    async def _get_other(self, actor: Actor, user_id: UUID) -> User:
        if user_id == actor.id:
            raise OwnAccount
        user = await self._get(user_id)
        if user.deleted_at:
            raise AccountDeleted
        return user


def _session_out(session: LoginSession) -> AdminSessionOut:
    device = session.device
    return AdminSessionOut(
        id=session.id,
        device=device.name,
        platform=device.platform,
        address=device.ip,
        country=session.country,
        created_at=session.first_seen,
        last_used_at=session.last_seen,
    )
