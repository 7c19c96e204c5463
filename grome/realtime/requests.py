"""Answer the frames of live clients."""

from typing import Final
from uuid import UUID

import msgspec
from loguru import logger

from grome.chat.schemas import MessageIn
from grome.chat.service import ChatService
from grome.common.errors import ApiError, InternalError, Unavailable
from grome.common.geo import LatLng
from grome.common.text_fields import normalize_texts
from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.transient_errors import is_transient
from grome.realtime.close_codes import CloseCode
from grome.realtime.connection import LiveConnection
from grome.realtime.frames import (
    ClientFrame,
    Delivered,
    Hello,
    Ping,
    Read,
    Refresh,
    Send,
    SomebodyTypes,
    Sub,
    Typing,
    Unsub,
    Where,
)
from grome.realtime.refusals import live_error
from grome.realtime.rooms import booking_room
from grome.realtime.sign_in import LiveSignIn
from grome.realtime.streams import LivePublisher
from grome.realtime.subscriptions import LiveSubscriptions
from grome.tracking.service import TrackingService

# Clients send `typing` more often than the other side needs it.
_TYPING_EVERY_S: Final = 2.0
_MAX_TYPING_ROOMS: Final = 20


class LiveRequests:
    """Handles a frame of a connection. A failure is answered, and does not end a connection that has signed in."""

    def __init__(
        self,
        sign_in: LiveSignIn,
        subscriptions: LiveSubscriptions,
        chat: ChatService,
        tracking: TrackingService,
        publisher: LivePublisher,
    ) -> None:
        self._sign_in, self._subscriptions = sign_in, subscriptions
        self._chat, self._tracking, self._publisher = chat, tracking, publisher

    async def handle(self, connection: LiveConnection, frame: ClientFrame) -> None:
        try:
            if connection.actor is not None:
                await self._handle(connection, frame)
            elif isinstance(frame, Hello):
                await self._sign_in.greet(connection, frame)
            else:
                connection.close(CloseCode.UNAUTHENTICATED, "The first frame is not `hello`.")
        except ApiError as error:
            self._refuse(connection, frame, error)
        # Any error: the connection, and the frames after this one, outlive it.
        except Exception as error:  # noqa: BLE001
            if is_transient(error):
                logger.warning("A live request cannot be handled for a moment: {!r}", error)
                self._refuse(connection, frame, Unavailable())
            else:
                report_failure("live requests", type(frame).__name__, error)
                self._refuse(connection, frame, InternalError())

    def _refuse(self, connection: LiveConnection, frame: ClientFrame, error: ApiError) -> None:
        if connection.actor is None:
            connection.close(CloseCode.DRAIN, "Signing in is not possible for a moment.", retry_ms=2_000)
        else:
            connection.refuse(getattr(frame, "id", None), live_error(error))

    async def _handle(self, connection: LiveConnection, frame: ClientFrame) -> None:  # noqa: C901 -- a line a frame
        match frame:
            case Ping():
                connection.reply(frame.id, {})
            case Sub():
                await self._subscriptions.subscribe(connection, frame)
            case Unsub():
                self._subscriptions.unsubscribe(connection, frame)
            case Send():
                await self._send(connection, frame)
            case Read():
                mark = await self._chat.mark_read(connection.signed_in_actor, frame.booking, frame.message)
                connection.reply(frame.id, mark)
            case Delivered():
                mark = await self._chat.mark_delivered(connection.signed_in_actor, frame.booking, frame.message)
                connection.reply(frame.id, mark)
            case Typing():
                await self._tell_typing(connection, frame.booking)
            case Where():
                await self._report_position(connection, frame)
            case Refresh():
                await self._sign_in.refresh(connection, frame)
            case Hello():
                connection.close(CloseCode.BAD_MESSAGE, "The connection has signed in already.")

    async def _send(self, connection: LiveConnection, frame: Send) -> None:
        body = normalize_texts(MessageIn(frame.key, frame.text, frame.photos))
        connection.reply(frame.id, await self._chat.send(connection.signed_in_actor, frame.booking, body))

    async def _tell_typing(self, connection: LiveConnection, booking_id: UUID) -> None:
        if connection.may_tell_typing(booking_id, _TYPING_EVERY_S, _MAX_TYPING_ROOMS):
            other = await self._chat.may_type(connection.signed_in_actor, booking_id)
            payload = msgspec.json.encode(SomebodyTypes(connection.account_id))
            await self._publisher.broadcast(booking_room(booking_id), (other,), "typing", payload)

    async def _report_position(self, connection: LiveConnection, frame: Where) -> None:
        point = LatLng(frame.lat, frame.lng)
        connection.reply(frame.id, await self._tracking.report(connection.signed_in_actor, frame.booking, point))
