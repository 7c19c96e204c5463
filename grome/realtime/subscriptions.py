"""Subscribe connections to rooms, and send them the presence and positions that no event repeats."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from grome.common.errors import ApiError
from grome.realtime.access import RoomAccess
from grome.realtime.connection import LiveConnection
from grome.realtime.frames import (
    JoinedRoom,
    Joins,
    Position,
    PresenceFrame,
    PresenceState,
    Sub,
    Unsub,
    WhereFrame,
)
from grome.realtime.hub import Hub
from grome.realtime.models import Joined, RoomRequest
from grome.realtime.presence import Presence
from grome.realtime.refusals import live_error
from grome.realtime.rooms import parse_room, wire_name
from grome.tracking.errors import NotOnTheWay
from grome.tracking.service import TrackingService


class LiveSubscriptions:
    """Handles `sub` and `unsub`. Each room of a request is answered, in the order of the request."""

    def __init__(self, hub: Hub, access: RoomAccess, presence: Presence, tracking: TrackingService) -> None:
        self._hub, self._access, self._presence, self._tracking = hub, access, presence, tracking

    async def subscribe(self, connection: LiveConnection, frame: Sub) -> None:
        """Join the rooms, reply, and then send presence and positions of their people.

        Raises transient faults of MongoDB and Redis; no room is joined then.
        """
        answers: dict[str, JoinedRoom] = {}
        requests: dict[str, RoomRequest] = {}
        for wanted in frame.rooms:
            try:
                room = parse_room(wanted.room, connection.account_id).name
            except ApiError as error:
                answers[wanted.room] = JoinedRoom(wanted.room, error=live_error(error))
            else:
                requests[room] = RoomRequest(room, wanted.epoch, wanted.offset)
        views = await self._access.look(connection.signed_in_actor, list(requests))
        for room, refusal in views.refused.items():
            name = wire_name(room, connection.account_id)
            answers[name] = JoinedRoom(name, error=live_error(refusal))

        def reply(joined: Sequence[Joined]) -> None:
            answers.update({answer.room: answer for room in joined for answer in [_answer(connection, room)]})
            connection.reply(frame.id, Joins([answers[name] for name in dict.fromkeys(r.room for r in frame.rooms)]))

        connection.joining += 1
        try:
            await self._hub.join(connection, [requests[room] for room in requests if room not in views.refused], reply)
        finally:
            connection.joining -= 1
        await self._send_state(connection, views.others)

    def unsubscribe(self, connection: LiveConnection, frame: Unsub) -> None:
        for name in frame.rooms:
            self._hub.leave(connection, parse_room(name, connection.account_id).name)
        connection.reply(frame.id, {})

    async def _send_state(self, connection: LiveConnection, others: Mapping[str, UUID]) -> None:
        """Send presence and position of the rooms of bookings. A client gets them again with each change."""
        statuses = await self._presence.statuses(set(others.values())) if others else {}
        for room, other in others.items():
            status = statuses[other]
            connection.send(PresenceFrame(room, PresenceState(other, status.online, status.last_seen)))
            try:
                at = await self._tracking.latest(connection.signed_in_actor, UUID(room.partition(":")[2]))
            except NotOnTheWay:
                continue
            if at:
                connection.send(
                    WhereFrame(room, Position(at.lat, at.lng, at.at, at.distance_m, at.eta_min, at.arrived))
                )


def _answer(connection: LiveConnection, joined: Joined) -> JoinedRoom:
    return JoinedRoom(
        wire_name(joined.room, connection.account_id),
        joined.epoch,
        joined.offset,
        joined.recovered,
        [connection.encoding.raw(event) for event in joined.events],
    )
