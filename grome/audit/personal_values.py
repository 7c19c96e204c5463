"""Split records into public values and personal values, and seal the latter under the keys of their persons."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from grome.audit.models import AuditRecord, PersonalValues, SealedValues
from grome.infrastructure.outbox.models import Change, Event
from grome.infrastructure.value_keys import ValueKey

# The subject of these events is an account, and their reasons describe a person.
_ABOUT_ACCOUNTS: Final = frozenset({"account", "verification"})


def personal_values(event: Event) -> dict[UUID, PersonalValues]:
    """Return the personal values of an event by person.

    The address belongs to the actor or, in an event about an account, to the account. Other values belong to the
    account. Values without such a person are left out.
    """
    subject = event.subject_id if event.family in _ABOUT_ACCOUNTS else None
    account = event.subject_id if event.subject_id in event.people else None
    found: dict[UUID, PersonalValues] = {}
    changes = [change for change in event.changes if change.is_personal]
    reason = event.reason if subject else ""
    if account and (changes or reason):
        found[account] = PersonalValues(reason=reason, changes=changes)
    address = event.origin.address if event.origin else None
    if address and (actor := event.actor_id or subject):
        found[actor] = msgspec.structs.replace(found.get(actor, PersonalValues()), address=address)
    return found


def public_reason(event: Event) -> str:
    return "" if event.family in _ABOUT_ACCOUNTS else event.reason


def public_changes(event: Event) -> list[Change]:
    """Return the changes of an event, personal changes without their values."""
    return [Change(change.field, is_personal=True) if change.is_personal else change for change in event.changes]


def seal_values(
    record_id: UUID, values: Mapping[UUID, PersonalValues], keys: Mapping[UUID, ValueKey], address_key: ValueKey | None
) -> list[SealedValues]:
    """Seal the values for their record; the values of a person without a key are left out.

    The address is sealed under the key of its month first, and left out without that key.
    """
    return [
        SealedValues(person_id, keys[person_id].seal(_encode(each, address_key, record_id.bytes), record_id.bytes))
        for person_id, each in values.items()
        if person_id in keys
    ]


def _encode(values: PersonalValues, address_key: ValueKey | None, bound_to: bytes) -> bytes:
    address = values.address
    dated = address_key.seal(address.encode(), bound_to) if address and address_key else None
    return msgspec.json.encode(msgspec.structs.replace(values, address=None, dated_address=dated))


def open_values(record: AuditRecord, keys: Mapping[UUID, ValueKey], address_key: ValueKey | None) -> PersonalValues:
    """Return the personal values of a record that are still readable, of all persons together.

    `dated_address` is left if the address cannot be opened, because the key of its month is gone.
    """
    opened = [
        msgspec.json.decode(raw, type=PersonalValues)
        for sealed in record.sealed
        if (key := keys.get(sealed.person_id)) and (raw := key.open(sealed.values, record.id.bytes)) is not None
    ]
    dated = next((part.dated_address for part in opened if part.dated_address), None)
    address = address_key.open(dated, record.id.bytes) if dated and address_key else None
    return PersonalValues(
        address=address.decode() if address else next((part.address for part in opened if part.address), None),
        dated_address=None if address else dated,
        reason=next((part.reason for part in opened if part.reason), ""),
        changes=[change for part in opened for change in part.changes],
    )
