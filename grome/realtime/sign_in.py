"""Sign live connections in by an access token or a ticket, and prolong them by a newer token."""

from typing import Final

from grome.accounts.verifier import Verifier
from grome.common.actor import Role
from grome.common.clock import Clock
from grome.common.errors import Unauthenticated
from grome.realtime.access import RoomAccess
from grome.realtime.close_codes import CloseCode
from grome.realtime.connection import LiveConnection
from grome.realtime.frames import Hello, Refresh, Refreshed, Welcome
from grome.realtime.rooms import USER
from grome.realtime.tickets import SignedInUntil, Tickets

_TOO_MANY: Final = "This account has too many live connections; close another one first."


class LiveSignIn:
    """Turns the first frame of a connection into an actor.

    With `require_second_factor`, admins need a second factor here as on their routes.
    """

    def __init__(
        self,
        verifier: Verifier,
        tickets: Tickets,
        access: RoomAccess,
        heartbeat_s: int,
        clock: Clock,
        *,
        require_second_factor: bool,
    ) -> None:
        self._verifier, self._tickets, self._access = verifier, tickets, access
        self._heartbeat_s, self._clock = heartbeat_s, clock
        self._require_second_factor = require_second_factor

    async def greet(self, connection: LiveConnection, hello: Hello) -> None:
        """Sign the connection in and welcome it; a failure closes the connection.

        Raises transient faults of MongoDB and Redis.
        """
        try:
            signed_in = await self.redeem(hello.token, hello.ticket)
        except Unauthenticated as error:
            connection.close(CloseCode.UNAUTHENTICATED, str(error))
            return
        actor = signed_in.actor
        welcome = await self.welcome(signed_in, self._heartbeat_s)
        if not await connection.connections.sign_in(connection, actor):
            connection.close(CloseCode.TOO_MANY_SOCKETS, _TOO_MANY)
        elif connection.is_closing:  # meanwhile
            connection.connections.sign_out(connection, actor)
        else:
            connection.signed_in(actor, self.seconds_left(signed_in))
            connection.send(welcome)

    async def welcome(self, signed_in: SignedInUntil, heartbeat_s: int) -> Welcome:
        """Return the first frame of the server, which suggests rooms."""
        actor = signed_in.actor
        rooms = await self._access.open_booking_rooms(actor)
        return Welcome(actor.id, actor.session_id, int(self.seconds_left(signed_in)), heartbeat_s, [USER, *rooms])

    async def redeem(self, token: str | None, ticket: str | None) -> SignedInUntil:
        """Return the actor of a token or a ticket. Raises Unauthenticated."""
        if token is not None:
            actor, expires_at = await self._verifier.sign_in(token)
            if self._require_second_factor and actor.role is Role.ADMIN and not actor.has_second_factor:
                raise Unauthenticated("Sign in with a second factor.")
            return SignedInUntil(actor, expires_at)
        signed_in = await self._tickets.redeem(ticket or "")
        if signed_in is None or not await self._verifier.find_live_sessions([signed_in.actor.session_id]):
            raise Unauthenticated("The ticket is unknown, was used or has expired, or there is no token.")
        return signed_in

    async def refresh(self, connection: LiveConnection, frame: Refresh) -> None:
        """Prolong the connection. Raises Unauthenticated for a token that is not of the same session.

        A step-up gives the session a token with other proofs of identity.
        """
        actor, expires_at = await self._verifier.sign_in(frame.token)
        if connection.actor is None or actor.session_id != connection.actor.session_id:
            raise Unauthenticated("The token is of another session.")
        lasts_s = self.seconds_left(SignedInUntil(actor, expires_at))
        connection.prolong(lasts_s)
        connection.reply(frame.id, Refreshed(int(lasts_s)))

    def seconds_left(self, signed_in: SignedInUntil) -> float:
        """Return the remaining life of the access token."""
        return (signed_in.expires_at - self._clock()).total_seconds()
