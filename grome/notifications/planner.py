"""Map events to notifications."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from grome.bookings.models import Party
from grome.codes.models import CodePurpose
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.outbox.models import Event, EventType
from grome.notifications.models import MessageKind, Notification, PayoutFailure

NOTIFY: Final = JobKind("notify", Queue.DEFAULT, 30, (2, 10, 60, 300, 1800))


class Planner:
    """Adds a job for each event, kind of message and reader.

    The job id is derived from the three, so repeats are ignored.
    """

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    async def handle(self, events: Sequence[Event]) -> None:
        await self._jobs.add(
            *notification_jobs(notification for event in events for notification in plan_notifications(event))
        )


def notification_jobs(notifications: Iterable[Notification]) -> list[NewJob]:
    return [NewJob(notification.job_id, NOTIFY, msgspec.to_builtins(notification)) for notification in notifications]


def plan_notifications(event: Event) -> Iterator[Notification]:
    """Yield the notifications of an event.

    `event.people` of a booking, a conversation, a payment or a review are the customer, unless it is a guest, and the
    barber, in this order.
    """
    for kind, user_id in _kinds_and_readers(event):
        yield Notification(
            event_id=event.id,
            kind=kind,
            user_id=user_id,
            subject_id=event.subject_id,
            at=event.at,
            version=event.version,
            money=event.money if event.family == "payout" else None,
            failure=_PAYOUT_FAILURES.get(event.type),
            item_id=event.item_id,
        )


def _kinds_and_readers(event: Event) -> list[tuple[MessageKind, UUID]]:
    if event.family in {"account", "verification"}:
        is_code = event.type is EventType.ACCOUNT_CODE_REQUESTED
        kind = _CODE_KINDS.get(event.reason) if is_code else _ACCOUNT_KINDS.get(event.type)
        return [(kind, user_id) for user_id in event.people] if kind else []
    if not event.people:  # a finding concerns the platform only
        return []
    *customer, barber_id = event.people
    if event.family == "review":
        return _review_kinds_and_readers(event, customer[0], barber_id)
    if event.family == "message":
        readers = event.people if event.type is EventType.MESSAGE_SENT else ()
        return [(MessageKind.MESSAGE_RECEIVED, reader) for reader in readers if reader != event.actor_id]
    if event.family in {"payment", "payout"}:
        return _money_kinds_and_readers(event, customer, barber_id)
    return (
        _booking_kinds_and_readers(event, customer[0], barber_id) if customer else []
    )  # a guest's barber made the booking, and needs no message


def _review_kinds_and_readers(event: Event, customer_id: UUID, barber_id: UUID) -> list[tuple[MessageKind, UUID]]:
    match event.type:
        case EventType.REVIEW_POSTED:
            return [(MessageKind.REVIEW_POSTED, barber_id)]
        case EventType.REVIEW_ANSWERED:
            return [(MessageKind.REVIEW_ANSWERED, customer_id)]
        case _:
            return []


def _money_kinds_and_readers(event: Event, customer: list[UUID], barber_id: UUID) -> list[tuple[MessageKind, UUID]]:
    told = [(kind, barber_id) for kind in _TO_BARBERS_ABOUT_MONEY.get(event.type, ())]
    return told + [(kind, person) for person in customer for kind in _TO_CUSTOMERS_ABOUT_MONEY.get(event.type, ())]


def _booking_kinds_and_readers(event: Event, customer_id: UUID, barber_id: UUID) -> list[tuple[MessageKind, UUID]]:
    ids = {Party.CUSTOMER: customer_id, Party.BARBER: barber_id}
    return [
        (audience.kind, ids[party])
        for audience in _BOOKING_AUDIENCES.get(event.type, ())
        for party in ids
        if party in audience.always or (party in audience.unless_actor and ids[party] != event.actor_id)
    ]


class _Audience(NamedTuple):
    """Names the readers of a kind of message: `always`, or `unless_actor`, only if another person caused the event."""

    kind: MessageKind
    always: tuple[Party, ...] = ()
    unless_actor: tuple[Party, ...] = ()


_CUSTOMER, _BARBER, _BOTH = (Party.CUSTOMER,), (Party.BARBER,), (Party.CUSTOMER, Party.BARBER)
_BOOKING_AUDIENCES: Final = {
    # The customer's copy is the record of the request.
    EventType.BOOKING_REQUESTED: [_Audience(MessageKind.BOOKING_REQUESTED, always=_BOTH)],
    # Tells a barber with automatic acceptance about a new booking.
    EventType.BOOKING_ACCEPTED: [_Audience(MessageKind.BOOKING_ACCEPTED, always=_CUSTOMER, unless_actor=_BARBER)],
    EventType.BOOKING_DECLINED: [_Audience(MessageKind.BOOKING_DECLINED, unless_actor=_CUSTOMER)],
    # States the fee of a late cancellation to the customer who cancelled.
    EventType.BOOKING_CANCELLED: [_Audience(MessageKind.BOOKING_CANCELLED, always=_CUSTOMER, unless_actor=_BARBER)],
    EventType.BOOKING_EXPIRED: [_Audience(MessageKind.BOOKING_CANCELLED, always=_BOTH)],
    EventType.BOOKING_NO_SHOW: [_Audience(MessageKind.BOOKING_CANCELLED, always=_CUSTOMER)],
    # Corrects the no-show that the customer was told about. The start of a visit sends no message.
    EventType.BOOKING_NO_SHOW_UNDONE: [_Audience(MessageKind.BOOKING_ACCEPTED, always=_CUSTOMER)],
    EventType.BOOKING_COMPLETED: [
        _Audience(MessageKind.RECEIPT, always=_CUSTOMER),
        _Audience(MessageKind.REVIEW_REQUEST, always=_CUSTOMER),
    ],
    EventType.BOOKING_OFFERED: [_Audience(MessageKind.BOOKING_OFFERED, always=_CUSTOMER)],
    EventType.BOOKING_DELAYED: [_Audience(MessageKind.BOOKING_DELAYED, always=_CUSTOMER)],
    EventType.BOOKING_ON_THE_WAY: [_Audience(MessageKind.BOOKING_ON_THE_WAY, always=_CUSTOMER)],
    EventType.BOOKING_ARRIVED: [_Audience(MessageKind.BOOKING_ARRIVED, always=_CUSTOMER)],
    EventType.BOOKING_RESCHEDULED: [_Audience(MessageKind.BOOKING_CHANGED, unless_actor=_BOTH)],
    EventType.BOOKING_TIME_PROPOSED: [_Audience(MessageKind.BOOKING_TIME_PROPOSED, unless_actor=_BOTH)],
    EventType.BOOKING_PROPOSAL_REJECTED: [_Audience(MessageKind.BOOKING_TIME_KEPT, unless_actor=_BOTH)],
    EventType.BOOKING_PROPOSAL_WITHDRAWN: [_Audience(MessageKind.BOOKING_TIME_KEPT, unless_actor=_BOTH)],
    EventType.BOOKING_PROPOSAL_LAPSED: [_Audience(MessageKind.BOOKING_TIME_KEPT, always=_BOTH)],
    EventType.BOOKING_TIPPED: [_Audience(MessageKind.BOOKING_TIPPED, always=_BARBER)],
}
_TO_CUSTOMERS_ABOUT_MONEY: Final = {
    EventType.PAYMENT_REQUIRES_ACTION: [MessageKind.PAYMENT_ACTION],
    EventType.PAYMENT_FAILED: [MessageKind.PAYMENT_FAILED],
    EventType.PAYMENT_SCHEDULED: [MessageKind.PAYMENT_SCHEDULED],
    EventType.PAYMENT_PAID: [MessageKind.PAYMENT_RECEIVED],
    EventType.PAYMENT_REFUND_STARTED: [MessageKind.PAYMENT_REFUND],
    EventType.PAYMENT_REFUNDED: [MessageKind.PAYMENT_REFUND],
    EventType.PAYMENT_REFUND_FAILED: [MessageKind.PAYMENT_REFUND],
}
# Warnings of fraud, and findings of the reconciliation, are for admins, in their lists and not by mail.
_TO_BARBERS_ABOUT_MONEY: Final = {
    EventType.PAYMENT_PAID: [MessageKind.PAYMENT_RECEIVED],  # a fee
    EventType.PAYMENT_DISPUTED: [MessageKind.PAYMENT_DISPUTED],
    EventType.PAYMENT_DISPUTE_CLOSED: [MessageKind.PAYMENT_DISPUTED],
    EventType.PAYOUT_SENT: [MessageKind.PAYOUT],
    EventType.PAYOUT_FAILED: [MessageKind.PAYOUT_FAILED],
    EventType.PAYOUT_RETURNED: [MessageKind.PAYOUT_FAILED],
    EventType.PAYOUT_BANK_FAILED: [MessageKind.PAYOUT_FAILED],
}
_PAYOUT_FAILURES: Final[dict[EventType, PayoutFailure]] = {
    EventType.PAYOUT_FAILED: "failed",
    EventType.PAYOUT_RETURNED: "returned",
    EventType.PAYOUT_BANK_FAILED: "bank",
}
_CODE_KINDS: Final[dict[str, MessageKind]] = {
    CodePurpose.VERIFY_EMAIL: MessageKind.VERIFY_EMAIL,
    CodePurpose.VERIFY_PHONE: MessageKind.VERIFY_PHONE,
    CodePurpose.RESET_PASSWORD: MessageKind.RESET_PASSWORD,
    CodePurpose.SIGN_IN: MessageKind.SIGN_IN_CODE,
    CodePurpose.SECOND_FACTOR: MessageKind.SECOND_FACTOR_CODE,
}
_ACCOUNT_KINDS: Final = {
    EventType.ACCOUNT_REGISTERED: MessageKind.WELCOME,
    EventType.ACCOUNT_NEW_DEVICE: MessageKind.NEW_DEVICE,
    EventType.ACCOUNT_SESSION_REUSED: MessageKind.SESSION_ENDED,
    EventType.ACCOUNT_ADDRESS_TAKEN: MessageKind.ADDRESS_TAKEN,
    EventType.ACCOUNT_PASSWORD_CHANGED: MessageKind.PASSWORD_CHANGED,
    EventType.ACCOUNT_EMAIL_CHANGED: MessageKind.EMAIL_CHANGED,
    EventType.ACCOUNT_PHONE_CHANGED: MessageKind.PHONE_CHANGED,
    EventType.ACCOUNT_FACTOR_ADDED: MessageKind.FACTOR_ADDED,
    EventType.ACCOUNT_FACTOR_REMOVED: MessageKind.FACTOR_REMOVED,
    EventType.ACCOUNT_RECOVERY_CODE_USED: MessageKind.RECOVERY_CODE_USED,
    EventType.ACCOUNT_SUSPICIOUS_SIGN_IN: MessageKind.SUSPICIOUS_SIGN_IN,
    EventType.ACCOUNT_EXPORTED: MessageKind.EXPORT_READY,
    EventType.ACCOUNT_DELETION_REQUESTED: MessageKind.ACCOUNT_DELETED,
    EventType.ACCOUNT_SUSPENDED: MessageKind.ACCOUNT_SUSPENDED,
    EventType.ACCOUNT_RESTORED: MessageKind.ACCOUNT_RESTORED,
    EventType.VERIFICATION_APPROVED: MessageKind.VERIFICATION_RESULT,
    EventType.VERIFICATION_REJECTED: MessageKind.VERIFICATION_RESULT,
    EventType.VERIFICATION_ASKED_AGAIN: MessageKind.VERIFICATION_RESULT,
}
