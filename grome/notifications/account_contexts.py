"""Load the facts of messages about an account: its security, its addresses, and codes."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgspec

from grome.accounts.models import Device, User
from grome.accounts.service import AccountService
from grome.codes.models import AddressKind, OneTimeCode
from grome.codes.service import Codes
from grome.notifications.channel_rules import CODE_KINDS
from grome.notifications.message_context import DEDUPE_WINDOW, MessageContext
from grome.notifications.models import AccountFacts, MessageKind, Notification
from grome.notifications.recipients import Recipient

# The message goes to the address before the change, whose owner may not have made the change.
_ADDRESS_CHANGES: Final = {MessageKind.EMAIL_CHANGED: "email", MessageKind.PHONE_CHANGED: "phone"}
_ABOUT_DEVICES: Final = frozenset({MessageKind.NEW_DEVICE, MessageKind.SESSION_ENDED, MessageKind.SUSPICIOUS_SIGN_IN})
ACCOUNT_MESSAGES: Final = frozenset(
    {
        *CODE_KINDS,
        *_ADDRESS_CHANGES,
        *_ABOUT_DEVICES,
        MessageKind.WELCOME,
        MessageKind.ADDRESS_TAKEN,
        MessageKind.PASSWORD_CHANGED,
        MessageKind.FACTOR_ADDED,
        MessageKind.FACTOR_REMOVED,
        MessageKind.RECOVERY_CODE_USED,
        MessageKind.EXPORT_READY,
        MessageKind.ACCOUNT_DELETED,
        MessageKind.ACCOUNT_SUSPENDED,
        MessageKind.ACCOUNT_RESTORED,
    }
)
# Anybody can register with a stranger's address again and again.
_TAKEN_WINDOW: Final = timedelta(days=1)


class AccountContexts:
    """Loads message contexts. `app_base` is the prefix of links in messages."""

    def __init__(self, accounts: AccountService, codes: Codes, app_base: str) -> None:
        self._accounts, self._codes, self._app_base = accounts, codes, app_base

    async def find(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        """Return the context; None for a code that was used or has expired, and for a first address."""
        kind, reader = notification.kind, recipient.user
        if kind in CODE_KINDS:
            return await self._code_context(notification, recipient)
        reached = _at_address_before(notification, recipient) if kind in _ADDRESS_CHANGES else recipient
        if reached is None:
            return None
        device = await self._find_device(notification, reader) if kind in _ABOUT_DEVICES else None
        facts = AccountFacts(
            name=reader.name,
            link=f"{self._app_base}/account",
            device=_device_label(device) if device else None,
            at=None if kind in {MessageKind.WELCOME, MessageKind.ADDRESS_TAKEN} else notification.at,
        )
        is_once = kind in {MessageKind.WELCOME, MessageKind.ADDRESS_TAKEN}
        return MessageContext(
            recipient=reached,
            kind=kind,
            facts=facts,
            dedupe_key=str(notification.subject_id) if is_once else None,
            dedupe_window=_TAKEN_WINDOW if kind is MessageKind.ADDRESS_TAKEN else DEDUPE_WINDOW,
        )

    async def _code_context(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        found = await self._codes.find_to_send(notification.item_id) if notification.item_id else None
        if found is None or found[0].user_id != recipient.user.id:
            return None
        code, digits = found
        return MessageContext(
            recipient=_at_address_of(code, recipient),
            kind=notification.kind,
            facts=AccountFacts(name=recipient.user.name, code=digits),
            dedupe_key=None,
            needed_by=code.expires_at,
        )

    async def _find_device(self, notification: Notification, reader: User) -> Device | None:
        return await self._accounts.find_notice_device(reader.id, notification.event_id)


def _at_address_of(code: OneTimeCode, recipient: Recipient) -> Recipient:
    """Return the recipient with the address of the code and no other, as unverified unless it is the user's own."""
    user, is_mail = recipient.user, code.kind is AddressKind.EMAIL
    is_verified = user.email_verified if is_mail else user.phone_verified
    is_own = code.address == (user.email if is_mail else user.phone)
    reader = msgspec.structs.replace(
        user,
        email=code.address if is_mail else None,
        phone=None if is_mail else code.address,
        email_verified=is_mail and is_own and is_verified,
        phone_verified=not is_mail and is_own and is_verified,
    )
    return Recipient(reader, {})


def _at_address_before(notification: Notification, recipient: Recipient) -> Recipient | None:
    """Return the recipient with the address before a change; None if there was none."""
    field = _ADDRESS_CHANGES[notification.kind]
    entries = [entry for entry in recipient.user.outbox if entry.id == notification.event_id]
    before = {change.field: change.before for entry in entries for change in entry.changes}
    if not before.get(field):
        return None
    return replace(recipient, user=msgspec.structs.replace(recipient.user, **before))


def _device_label(device: Device) -> str | None:
    return device.name or device.platform or device.user_agent
