"""Requests and responses of the routes of live connections."""

from typing import Annotated

from msgspec import Meta, Struct

from grome.common.field_faults import FAULT
from grome.common.text import END, NOT_ONE_LINE, ONE_LINE
from grome.realtime.models import Ticket

# Without commas, which part the items of a query.
Room = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f,]+" + END,
        extra={FAULT: "is not the name of a room"},
        examples=["user"],
    ),
]


class TicketOut(Struct, frozen=True):
    """A secret that signs one live connection in."""

    ticket: Ticket
    """Secret for `hello` or for the query of an event stream; it works once."""
    expires_in: int
    """Seconds in which the ticket can be used."""


class EventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Names the rooms of a stream."""

    rooms: Annotated[list[Room], Meta(min_length=1, max_length=50)]
    """Rooms to follow, comma-separated: `user`, `booking:<id>`, `shop:<barber id>`, `area:<cell>`."""
    ticket: Annotated[Ticket, Meta(pattern=ONE_LINE, extra=NOT_ONE_LINE)] | None = None
    """Ticket of `POST /v1/live/ticket`, in place of the access token."""
    last_event_id: Annotated[str, Meta(max_length=1_200, pattern=ONE_LINE, extra=NOT_ONE_LINE)] = ""
    """Last id of an earlier stream, to resume from; the header `Last-Event-ID` takes precedence."""
