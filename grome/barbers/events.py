"""Derive the events of barbers and their commissions from outbox entries."""

from typing import Any

import msgspec

from grome.barbers.models import CommissionChange, OnlineNotice
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Change, Event, EventType


def commission_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a change; its reason names the rates.

    Raises msgspec.ValidationError if the change cannot be read.
    """
    change = msgspec.convert(stored, CommissionChange)
    return Event(
        id=change.id,
        type=EventType.BARBER_COMMISSION_CHANGED,
        at=change.at,
        subject_id=document["_id"],
        version=change.version,
        people=(document["_id"],),
        actor_id=change.actor_id,
        origin=change.origin,
        changes=(Change("commission_bp", change.before, change.basis_points),),
        reason=f"{_rate(change.before)} to {_rate(change.basis_points)}: {change.reason}",
    )


def online_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a notice that the barber went online or offline.

    Raises msgspec.ValidationError if the notice cannot be read.
    """
    notice = msgspec.convert(stored, OnlineNotice)
    return Event(
        id=notice.id,
        type=EventType.BARBER_ONLINE if notice.is_online else EventType.BARBER_OFFLINE,
        at=notice.at,
        subject_id=document["_id"],
        version=notice.version,
        people=(),
        actor_id=document["_id"],
        location=notice.location,
    )


def _rate(basis_points: int | None) -> str:
    return "ordinary rate" if basis_points is None else f"{basis_points} basis points"
