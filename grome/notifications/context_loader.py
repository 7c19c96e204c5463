"""Load the facts of a message at the time of sending, so that the message states the current data."""

from typing import Final
from urllib.parse import urlsplit

from grome.accounts.models import User
from grome.bookings.figures import price_lines
from grome.bookings.models import Action, Booking, HistoryEntry, Party, Reason, Status
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock
from grome.notifications.account_contexts import ACCOUNT_MESSAGES, AccountContexts
from grome.notifications.chat_contexts import ChatContexts
from grome.notifications.message_context import MessageContext
from grome.notifications.models import (
    BookedItem,
    BookingFacts,
    EndpointFacts,
    MessageKind,
    Notification,
    PayoutFacts,
    ReviewFacts,
)
from grome.notifications.payment_contexts import PaymentContexts
from grome.notifications.people_names import PeopleNames
from grome.notifications.recipients import Recipient
from grome.notifications.relevance import BookingNotice, effective_kind, is_still_relevant
from grome.notifications.verification_contexts import VerificationContexts
from grome.reviews.service import ReviewService
from grome.webhooks.models import DisabledReason
from grome.webhooks.service import WebhookService

PROPOSAL_OUTCOMES: Final = {Action.REJECT: "rejected", Action.WITHDRAW: "withdrawn", Action.LAPSE: "lapsed"}
UNPAID: Final = "unpaid"  # the reason of a booking that expired without its deposit


class ContextLoader:
    """Loads message contexts. `app_base` is the prefix of links in messages."""

    def __init__(
        self,
        names: PeopleNames,
        bookings: BookingQueries,
        reviews: ReviewService,
        webhooks: WebhookService,
        loaders: tuple[PaymentContexts, ChatContexts, AccountContexts, VerificationContexts],
        app_base: str,
        clock: Clock,
    ) -> None:
        self._names, self._bookings, self._reviews = names, bookings, reviews
        self._webhooks = webhooks
        self._payments, self._chat, self._accounts, self._verification = loaders
        self._app_base, self._clock = app_base, clock

    async def find(  # noqa: PLR0911 -- a table, one row a family
        self, notification: Notification, recipient: Recipient
    ) -> MessageContext | None:
        """Return the context of a notification; None if its subject is gone or the news is no longer true."""
        if notification.kind in ACCOUNT_MESSAGES:
            return await self._accounts.find(notification, recipient)
        match notification.kind:
            case MessageKind.REVIEW_POSTED | MessageKind.REVIEW_ANSWERED:
                return await self._review_context(notification, recipient)
            case MessageKind.MESSAGE_RECEIVED:
                return await self._chat.find(notification, recipient)
            case MessageKind.WEBHOOK_FAILING:
                return await self._endpoint_context(notification, recipient)
            case MessageKind.VERIFICATION_RESULT:
                return await self._verification.find(notification, recipient)
            case MessageKind.PAYOUT | MessageKind.PAYOUT_FAILED:
                return self._payout_context(notification, recipient)
            case (
                MessageKind.PAYMENT_ACTION
                | MessageKind.PAYMENT_FAILED
                | MessageKind.PAYMENT_SCHEDULED
                | MessageKind.PAYMENT_RECEIVED
                | MessageKind.PAYMENT_REFUND
                | MessageKind.PAYMENT_DISPUTED
            ):
                return await self._payments.find(notification, recipient)
            case _:
                return await self._booking_context(notification, recipient)

    def _payout_context(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        """Return the context; None for an event of an earlier release, which named no money."""
        reader, money = recipient.user, notification.money
        if money is None and notification.failure != "bank":
            return None
        facts = PayoutFacts(
            name=reader.name,
            amount=money.amount if money else 0,
            currency=money.currency if money else "",
            at=notification.at,
            timezone=reader.preferences.timezone,
            link=f"{self._app_base}/payouts",
            failure=notification.failure,
        )
        key = f"{notification.subject_id}#{notification.version}"
        return MessageContext(recipient=recipient, kind=notification.kind, facts=facts, dedupe_key=key)

    async def _review_context(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        """Return the current review; None if the review or its answer was removed."""
        reader = recipient.user
        review = await self._reviews.find(notification.subject_id)
        if review is None:
            return None
        if notification.kind is MessageKind.REVIEW_POSTED:
            other_name, words = await self._names.user_name(review.customer_id), review.text
        elif review.answer:
            other_name, words = (await self._names.shop_name_and_zone(review.barber_id))[0], review.answer.text
        else:
            return None
        link = f"{self._app_base}/bookings/{review.id}"
        facts = ReviewFacts(name=reader.name, other_name=other_name, stars=review.rating, words=words, link=link)
        return MessageContext(recipient=recipient, kind=notification.kind, facts=facts, dedupe_key=str(review.id))

    async def _endpoint_context(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        """Return the current state; None if the endpoint is gone, works again, or was disabled by its owner."""
        reader = recipient.user
        endpoint = await self._webhooks.find(notification.subject_id)
        if endpoint is None or endpoint.owner_id != reader.id:
            return None
        disabled = endpoint.disabled
        since = disabled.at if disabled else endpoint.failing_since
        if since is None or (disabled and disabled.reason is DisabledReason.OWNER):
            return None
        facts = EndpointFacts(
            name=reader.name,
            host=urlsplit(endpoint.url).hostname or "",
            since=since,
            is_disabled=disabled is not None,
            link=f"{self._app_base}/webhooks/{endpoint.id}",
        )
        return MessageContext(
            recipient=recipient, kind=notification.kind, facts=facts, dedupe_key=f"{endpoint.id}:{facts.is_disabled}"
        )

    async def _booking_context(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        reader = recipient.user
        booking = (await self._bookings.find_many([notification.subject_id])).get(notification.subject_id)
        if booking is None or reader.id not in {booking.customer_id, booking.barber_id}:
            return None
        notice = BookingNotice(notification, booking, self._clock())
        is_receipt = notification.kind is MessageKind.RECEIPT
        if not is_still_relevant(notice) or (is_receipt and await self._payments.is_visit_paid_by_card(booking)):
            return None
        return MessageContext(
            recipient=recipient,
            kind=effective_kind(notice),
            facts=await self._booking_facts(notice, reader),
            dedupe_key=notice.dedupe_key,
            needed_by=notice.needed_by,
            is_stale=notice.is_stale,
        )

    async def _booking_facts(self, notice: BookingNotice, reader: User) -> BookingFacts:
        booking, then, entry = notice.booking, notice.booking_then, notice.entry
        to_barber, starts_at = notice.reader_party is Party.BARBER, notice.starts_at
        shop_name, timezone = await self._names.shop_name_and_zone(booking.barber_id)
        other_name = await self._names.customer_name(booking) if to_barber else shop_name
        return BookingFacts(
            booking_id=str(booking.id),
            name=reader.name,
            other_name=other_name,
            to_barber=to_barber,
            items=[BookedItem(line.name, line.amount) for line in price_lines(booking.services)],
            price=booking.price,
            currency=booking.currency,
            starts_at=starts_at,
            ends_at=starts_at + (then.ends_at - then.scheduled_at),
            timezone=timezone,
            link=f"{self._app_base}/bookings/{booking.id}",
            reason=_reason(booking, entry),
            note=entry.note if entry else None,
            is_request=then.status is Status.REQUESTED,
            other_time=notice.other_time,
            answer_by=notice.answer_by,
            late_min=booking.late_min,
            tip=booking.payment.tip,
            discount=booking.discount,
            settlement=booking.settlement,
        )


def _reason(booking: Booking, entry: HistoryEntry | None) -> str | None:
    """Return the reason of a booking's end or a proposal's outcome."""
    if entry is None:
        return None
    pay_by = booking.payment.pay_by
    if entry.reason is Reason.EXPIRED and pay_by and pay_by <= entry.at:
        return UNPAID
    return PROPOSAL_OUTCOMES.get(entry.action) or (entry.reason.value if entry.reason else None)
