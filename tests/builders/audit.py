"""Events for the audit trail, recorded without a relay."""

from collections.abc import Sequence
from uuid import UUID

from grome.audit.service import AuditTrail
from grome.audit.verifier import AuditVerifier, Verification
from grome.common.ids import new_id
from grome.common.origin import RequestOrigin
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Change, Event, EventType

ADDRESS = "203.0.113.9"


def account_event(container: Container, person: UUID, *, actor: UUID | None = None, name: str = "Ada Vogel") -> Event:
    """An event with an address, a reason and a changed name, all of which are personal."""
    return Event(
        id=new_id(),
        type=EventType.ACCOUNT_SUSPENDED,
        at=container.clock(),
        subject_id=person,
        version=1,
        people=(person,),
        actor_id=actor or person,
        reason=f"{name} shouts",
        origin=RequestOrigin("request-1", ADDRESS, new_id()),
        changes=(Change("name", "Ada", name, is_personal=True), Change("suspended", before=False, after=True)),
    )


async def record_events(container: Container, count: int) -> Sequence[Event]:
    """Record events of as many accounts."""
    events = [account_event(container, new_id()) for _ in range(count)]
    await container.get(AuditTrail).handle(events)
    return events


async def verify(
    container: Container, *, day: str | None = None, noted: tuple[int, bytes] | None = None
) -> Verification:
    return await container.get(AuditVerifier).verify(lambda _done, _total: None, day=day, noted=noted)
