"""Record the audit trail.

Nothing writes to the trail directly. An action of an admin, with its actor, reason and amount, is an outbox entry of
the changed document, and the trail records the event of this entry. So no action is stored without its record.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

from grome.audit.address_keys import AddressKeys, month_of
from grome.audit.chain import AuditChain
from grome.audit.kept_money import kept_at
from grome.audit.models import AuditRecord, RecordedOrigin, SealedValues
from grome.audit.personal_values import personal_values, public_changes, public_reason, seal_values
from grome.common.clock import Clock
from grome.infrastructure.outbox.models import LIVE_ONLY, Event
from grome.infrastructure.person_keys.service import PersonKeys
from grome.payments.models import Payment
from grome.payments.queries import PaymentQueries

FindCountry = Callable[[str | None], str | None]


class AuditTrail:
    """Records every event of the relay that is about people or money."""

    def __init__(
        self,
        chain: AuditChain,
        payments: PaymentQueries,
        keys: PersonKeys,
        address_keys: AddressKeys,
        find_country: FindCountry,
        clock: Clock,
    ) -> None:
        self._chain, self._payments, self._keys, self._address_keys = chain, payments, keys, address_keys
        self._find_country, self._clock = find_country, clock

    async def handle(self, events: Sequence[Event]) -> None:
        events = [event for event in events if event.type not in LIVE_ONLY]
        if not events:
            return
        values = {event.id: personal_values(event) for event in events}
        keys = await self._keys.get_or_create({person for each in values.values() for person in each})
        address_keys = await self._address_keys.get_or_create([event.at for event in events])
        payments = await self._find_payments(events)
        sealed = {
            event.id: seal_values(event.id, values[event.id], keys, address_keys.get(month_of(event.at)))
            for event in events
        }
        await self._chain.append(
            [self._record(event, payments.get(event.subject_id), sealed[event.id]) for event in events]
        )

    async def _find_payments(self, events: Sequence[Event]) -> dict[UUID, Payment]:
        ids = {event.subject_id for event in events if event.family == "payment"}
        return await self._payments.find_many(ids) if ids else {}

    def _record(self, event: Event, payment: Payment | None, sealed: list[SealedValues]) -> AuditRecord:
        return AuditRecord(
            id=event.id,
            type=event.type,
            subject_id=event.subject_id,
            version=event.version,
            people=list(event.people),
            actor_id=event.actor_id,
            at=event.at,
            reason=public_reason(event),
            money=event.money,
            kept_before=kept_at(payment, event.version - 1) if payment else None,
            kept_after=kept_at(payment, event.version) if payment else None,
            origin=self._recorded_origin(event),
            changes=public_changes(event),
            sealed=sealed,
            recorded_at=self._clock(),
        )

    def _recorded_origin(self, event: Event) -> RecordedOrigin | None:
        origin = event.origin
        if origin is None:
            return None
        return RecordedOrigin(origin.request_id, origin.session_id, self._find_country(origin.address))
