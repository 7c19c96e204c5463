"""Subscribe clients to rooms, and send them the presence and positions that no event repeats."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from grome.chat.queries import ChatQueries
from grome.common.actor import Actor
from grome.common.errors import ApiError
from grome.realtime.access import RoomAccess
from grome.realtime.connection import LiveConnection
from grome.realtime.frames import (
    JoinedRoom,
    Joins,
    PresenceFrame,
    PresenceState,
    RoomPosition,
    Sub,
    Unsub,
    WhereFrame,
)
from grome.realtime.hub import Hub, Subscriber
from grome.realtime.models import Joined, RoomRequest
from grome.realtime.positions import to_frame_position
from grome.realtime.presence import Presence
from grome.realtime.presence_leases import PresenceStatus
from grome.realtime.refusals import live_error
from grome.realtime.rooms import parse_room, wire_name
from grome.tracking.service import TrackingService

_HIDDEN: Final = PresenceStatus(online=False)


class LiveSubscriptions:
    """Handles `sub` and `unsub`. Each room of a request is answered, in the order of the request."""

    def __init__(
        self, hub: Hub, access: RoomAccess, presence: Presence, chat: ChatQueries, tracking: TrackingService
    ) -> None:
        self._hub, self._access, self._presence = hub, access, presence
        self._chat, self._tracking = chat, tracking

    async def subscribe(self, connection: LiveConnection, frame: Sub) -> None:
        """Join the rooms, reply, and then send presence and positions of their people.

        Raises transient faults of MongoDB and Redis; no room is joined then.
        """
        connection.joining += 1
        try:
            others = await self.join(
                connection,
                connection.signed_in_actor,
                frame.rooms,
                connection.encoding.raw,
                lambda joins: connection.reply(frame.id, joins),
            )
        finally:
            connection.joining -= 1
        for state in await self.find_states(connection.signed_in_actor, others):
            connection.send(state)

    async def join(
        self,
        subscriber: Subscriber,
        actor: Actor,
        rooms: Sequence[RoomPosition],
        raw: Callable[[bytes], Any],
        reply: Callable[[Joins], None],
    ) -> Mapping[str, UUID]:
        """Join the rooms that the actor may see, and return the other sides of rooms of bookings.

        `reply` is called in the step of the event loop in which the subscriptions go live. `raw` makes a field of the
        reply of an event's JSON. Raises transient faults of MongoDB and Redis; no room is joined then.
        """
        answers: dict[str, JoinedRoom] = {}
        requests: dict[str, RoomRequest] = {}
        for wanted in rooms:
            try:
                room = parse_room(wanted.room, actor.id)
            except ApiError as error:
                answers[wanted.room] = JoinedRoom(wanted.room, error=live_error(error))
            else:
                requests[room] = RoomRequest(room, wanted.epoch, wanted.offset)
        views = await self._access.look(actor, list(requests))
        for room, refusal in views.refused.items():
            name = wire_name(room, actor.id)
            answers[name] = JoinedRoom(name, error=live_error(refusal))

        def on_joined(joined: Sequence[Joined]) -> None:
            answers.update({answer.room: answer for room in joined for answer in [_answer(room, actor.id, raw)]})
            reply(Joins([answers[name] for name in dict.fromkeys(wanted.room for wanted in rooms)]))

        await self._hub.join(subscriber, [requests[room] for room in requests if room not in views.refused], on_joined)
        return views.others

    def unsubscribe(self, connection: LiveConnection, frame: Unsub) -> None:
        for name in frame.rooms:
            self._hub.leave(connection, parse_room(name, connection.account_id))
        connection.reply(frame.id, {})

    async def find_states(self, actor: Actor, others: Mapping[str, UUID]) -> list[PresenceFrame | WhereFrame]:
        """Return presence and position of rooms of bookings. A client gets them again with each change.

        A side that has blocked the actor, or that the actor has blocked, is shown as offline.
        """
        accounts = set(others.values())
        visible = accounts - await self._chat.filter_blocked(actor.id, accounts)
        statuses = await self._presence.statuses(visible)
        states: list[PresenceFrame | WhereFrame] = []
        for room, other in others.items():
            status = statuses.get(other, _HIDDEN)
            states.append(PresenceFrame(room, PresenceState(other, status.online, status.last_seen)))
            if at := await self._tracking.find_latest(actor, UUID(room.partition(":")[2])):
                states.append(WhereFrame(room, to_frame_position(at)))
        return states


def _answer(joined: Joined, account_id: UUID, raw: Callable[[bytes], Any]) -> JoinedRoom:
    return JoinedRoom(
        wire_name(joined.room, account_id),
        joined.epoch,
        joined.offset,
        joined.recovered,
        [raw(event) for event in joined.events],
    )
