"""Stripe's objects as its API sends them, and their conversion into our models."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Meta, Struct

from grome.infrastructure.stripe.models import (
    BalanceLine,
    Decline,
    Requirement,
    StripeAccount,
    StripeCard,
    StripeCharge,
    StripeDispute,
    StripeIntent,
    StripeNotification,
    StripeRefund,
    StripeSetup,
    StripeTransfer,
)
from grome.infrastructure.stripe.units import from_stripe

# The words of `minimum_deadline.status`, shortened.
_DUE: Final = {"eventually_due": "eventually", "currently_due": "currently", "past_due": "past"}
T = TypeVar("T", bound=Struct)


class SdkObject(Protocol):
    """An object of the SDK."""

    def to_dict(self) -> dict[str, Any]: ...


class _Reference(Struct):
    id: str


# An expandable field: the id, or the object if the call asked for it.
_Id = str | _Reference | None


class _BalanceLine(Struct):
    id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str
    created: int
    source: _Id = None

    def model(self) -> BalanceLine:
        currency = self.currency.upper()
        amount, fee, net = (from_stripe(part, currency) for part in (self.amount, self.fee, self.net))
        return BalanceLine(
            id=self.id, type=self.type, amount=amount, fee=fee, net=net, currency=currency, source=_id(self.source),
            created=_at(self.created),
        )  # fmt: skip


class _Error(Struct):
    message: str = ""
    code: str | None = None
    type: str | None = None
    decline_code: str | None = None

    def model(self) -> Decline:
        return Decline(self.code or self.type or "", self.decline_code, self.message)


class _CardDetails(Struct):
    capture_before: int | None = None


class _MethodDetails(Struct):
    card: _CardDetails | None = None


class _Charge(Struct):
    id: str
    amount: int
    currency: str
    amount_captured: int = 0
    amount_refunded: int = 0
    captured: bool = False
    disputed: bool = False
    payment_method_details: _MethodDetails | None = None
    balance_transaction: str | _BalanceLine | None = None

    def model(self) -> StripeCharge:
        currency, details = self.currency.upper(), self.payment_method_details
        before = details.card.capture_before if details and details.card and not self.captured else None
        return StripeCharge(
            id=self.id,
            amount=from_stripe(self.amount, currency),
            amount_captured=from_stripe(self.amount_captured, currency),
            amount_refunded=from_stripe(self.amount_refunded, currency),
            capture_before=_at(before) if before else None,
            disputed=self.disputed,
            balance=_line(self.balance_transaction),
        )


class _OfIntent(Struct):
    payment_intent: _Id = None


class _Warning(Struct):
    charge: str | _Reference


class _Intent(Struct):
    id: str
    status: str
    amount: int
    currency: str
    created: int
    client_secret: str | None = None
    amount_received: int = 0
    customer: _Id = None
    payment_method: _Id = None
    last_payment_error: _Error | None = None
    latest_charge: str | _Charge | None = None
    metadata: dict[str, str] = {}

    def model(self) -> StripeIntent:
        currency, charge = self.currency.upper(), self.latest_charge
        return StripeIntent(
            id=self.id,
            status=self.status,
            amount=from_stripe(self.amount, currency),
            amount_received=from_stripe(self.amount_received, currency),
            currency=currency,
            client_secret=self.client_secret or "",
            customer_id=_id(self.customer),
            method_id=_id(self.payment_method),
            last_error=self.last_payment_error.model() if self.last_payment_error else None,
            charge=charge.model() if isinstance(charge, _Charge) else None,
            metadata=self.metadata,
            created=_at(self.created),
        )


class _Setup(Struct):
    id: str
    status: str
    client_secret: str | None = None
    customer: _Id = None
    payment_method: _Id = None
    last_setup_error: _Error | None = None
    metadata: dict[str, str] | None = None

    def model(self) -> StripeSetup:
        return StripeSetup(
            id=self.id,
            status=self.status,
            client_secret=self.client_secret or "",
            customer_id=_id(self.customer),
            method_id=_id(self.payment_method),
            last_error=self.last_setup_error.model() if self.last_setup_error else None,
            metadata=self.metadata or {},
        )


class _Wallet(Struct):
    type: str


class _CardFace(Struct):
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    wallet: _Wallet | None = None


class _Method(Struct):
    id: str
    card: _CardFace
    customer: _Id = None

    def model(self) -> StripeCard:
        card = self.card
        return StripeCard(
            id=self.id,
            customer_id=_id(self.customer),
            brand=card.brand,
            last4=card.last4,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            wallet=card.wallet.type if card.wallet else None,
        )


class _Refund(Struct):
    id: str
    amount: int
    currency: str
    status: str | None = None
    charge: _Id = None
    payment_intent: _Id = None
    failure_reason: str | None = None
    balance_transaction: str | _BalanceLine | None = None
    failure_balance_transaction: str | _BalanceLine | None = None
    metadata: dict[str, str] | None = None

    def model(self) -> StripeRefund:
        currency = self.currency.upper()
        return StripeRefund(
            id=self.id,
            status=self.status or "pending",
            amount=from_stripe(self.amount, currency),
            currency=currency,
            charge_id=_id(self.charge),
            intent_id=_id(self.payment_intent),
            failure_reason=self.failure_reason,
            balance=_line(self.balance_transaction),
            failure_balance=_line(self.failure_balance_transaction),
            metadata=self.metadata or {},
        )


class _Evidence(Struct):
    due_by: int | None = None


class _Dispute(Struct):
    id: str
    status: str
    reason: str
    amount: int
    currency: str
    charge: str | _Reference
    payment_intent: _Id = None
    evidence_details: _Evidence | None = None
    balance_transactions: list[_BalanceLine] = []

    def model(self) -> StripeDispute:
        currency, due = self.currency.upper(), self.evidence_details.due_by if self.evidence_details else None
        return StripeDispute(
            id=self.id,
            status=self.status,
            reason=self.reason,
            amount=from_stripe(self.amount, currency),
            currency=currency,
            charge_id=self.charge if isinstance(self.charge, str) else self.charge.id,
            intent_id=_id(self.payment_intent),
            respond_by=_at(due) if due else None,
            lines=[line.model() for line in self.balance_transactions],
        )


class _Reversal(Struct):
    id: str
    balance_transaction: str | _BalanceLine | None = None


class _Reversals(Struct):
    data: list[_Reversal] = []


class _Transfer(Struct):
    id: str
    amount: int
    currency: str
    created: int
    destination: str | _Reference
    amount_reversed: int = 0
    balance_transaction: str | _BalanceLine | None = None
    reversals: _Reversals | None = None
    metadata: dict[str, str] = {}

    def model(self) -> StripeTransfer:
        currency = self.currency.upper()
        lines = [_line(reversal.balance_transaction) for reversal in self.reversals.data] if self.reversals else []
        return StripeTransfer(
            id=self.id,
            amount=from_stripe(self.amount, currency),
            amount_reversed=from_stripe(self.amount_reversed, currency),
            currency=currency,
            destination=self.destination if isinstance(self.destination, str) else self.destination.id,
            balance=_line(self.balance_transaction),
            reversal_lines=[line for line in lines if line],
            metadata=self.metadata,
            created=_at(self.created),
        )


class _Capability(Struct):
    status: str


class _StripeBalance(Struct):
    stripe_transfers: _Capability | None = None


class _Capabilities(Struct):
    stripe_balance: _StripeBalance | None = None


class _Recipient(Struct):
    capabilities: _Capabilities | None = None


class _Configuration(Struct):
    recipient: _Recipient | None = None


class _Defaults(Struct):
    currency: str | None = None


class _Identity(Struct):
    country: str | None = None


class _Deadline(Struct):
    status: str
    time: datetime | None = None


class _Requirement(Struct):
    description: str
    awaiting_action_from: str = "user"
    minimum_deadline: _Deadline | None = None


class _Summary(Struct):
    minimum_deadline: _Deadline | None = None


class _Requirements(Struct):
    entries: list[_Requirement] | None = None
    summary: _Summary | None = None

    def models(self) -> list[Requirement]:
        """Return the requirements that wait for the barber, with the time at which the most pressing are due."""
        strictest = self.summary.minimum_deadline if self.summary else None
        return [
            _requirement(entry.description, entry.minimum_deadline, strictest)
            for entry in self.entries or ()
            if entry.awaiting_action_from == "user"
        ]


class _Account(Struct):
    id: str
    configuration: _Configuration | None = None
    defaults: _Defaults | None = None
    identity: _Identity | None = None
    requirements: _Requirements | None = None
    closed: bool | None = None

    def model(self) -> StripeAccount:
        currency = self.defaults.currency if self.defaults else None
        country = self.identity.country if self.identity else None
        return StripeAccount(
            id=self.id,
            transfers=self._transfers(),
            currency=currency.upper() if currency else None,
            country=country.upper() if country else None,
            requirements=self.requirements.models() if self.requirements else [],
            closed=bool(self.closed),
        )

    def _transfers(self) -> str:
        recipient = self.configuration.recipient if self.configuration else None
        balance = recipient.capabilities.stripe_balance if recipient and recipient.capabilities else None
        return balance.stripe_transfers.status if balance and balance.stripe_transfers else "unrequested"


_Name = Annotated[str, Meta(min_length=1, max_length=255)]


class _Related(Struct):
    id: _Name | None = None
    type: str | None = None


class _Notification(Struct):
    id: _Name
    type: _Name
    created: datetime
    context: str | None = None
    related_object: _Related | None = None

    def model(self) -> StripeNotification:
        related = self.related_object or _Related()
        return StripeNotification(self.id, self.type, self.created, related.id, related.type, self.context)


class _EventPage(Struct):
    data: list[_Notification]
    next_page_url: str | None = None


class EventPage(Struct, frozen=True):
    """A page of events; `next_url` is the path of the next, or None."""

    events: list[StripeNotification]
    next_url: str | None


class _InvoiceSettings(Struct):
    default_payment_method: _Id = None


class _Customer(Struct):
    invoice_settings: _InvoiceSettings | None = None


class _BalancePart(Struct):
    amount: int
    currency: str


class _Balance(Struct):
    available: list[_BalancePart] = []
    pending: list[_BalancePart] = []

    def totals(self) -> dict[str, int]:
        totals: dict[str, int] = {}
        for part in (*self.available, *self.pending):
            currency = part.currency.upper()
            totals[currency] = totals.get(currency, 0) + from_stripe(part.amount, currency)
        return totals


_NOTIFICATION: Final = msgspec.json.Decoder(_Notification)


def read_intent(sent: SdkObject) -> StripeIntent:
    return _read(sent, _Intent).model()


def read_charge_intent(sent: SdkObject) -> str | None:
    """Return the id of the intent that a charge belongs to; None if there is none."""
    return _id(_read(sent, _OfIntent).payment_intent)


def read_warned_charge(sent: SdkObject) -> str:
    """Return the id of the charge that an early fraud warning is about."""
    charge = _read(sent, _Warning).charge
    return charge if isinstance(charge, str) else charge.id


def read_setup(sent: SdkObject) -> StripeSetup:
    return _read(sent, _Setup).model()


def read_default_card(sent: SdkObject) -> str | None:
    """Return the id of a customer's default card."""
    settings = _read(sent, _Customer).invoice_settings
    return _id(settings.default_payment_method) if settings else None


def read_card(sent: SdkObject) -> StripeCard:
    return _read(sent, _Method).model()


def read_refund(sent: SdkObject) -> StripeRefund:
    return _read(sent, _Refund).model()


def read_dispute(sent: SdkObject) -> StripeDispute:
    return _read(sent, _Dispute).model()


def read_transfer(sent: SdkObject) -> StripeTransfer:
    return _read(sent, _Transfer).model()


def read_account(sent: SdkObject) -> StripeAccount:
    return _read(sent, _Account).model()


def read_balance_line(sent: SdkObject) -> BalanceLine:
    return _read(sent, _BalanceLine).model()


def read_balance(sent: SdkObject) -> dict[str, int]:
    """Return the totals by currency: available and pending together."""
    return _read(sent, _Balance).totals()


def read_event_page(sent: Mapping[str, object]) -> EventPage:
    page = msgspec.convert(sent, _EventPage)
    return EventPage([event.model() for event in page.data], page.next_page_url)


def decode_notification(raw: bytes) -> StripeNotification:
    """Decode a thin event. Raises msgspec.MsgspecError or UnicodeDecodeError."""
    return _NOTIFICATION.decode(raw).model()


def _read(sent: SdkObject, kind: type[T]) -> T:
    return msgspec.convert(sent.to_dict(), kind)


def _id(reference: _Id) -> str | None:
    return reference.id if isinstance(reference, _Reference) else reference


def _line(sent: str | _BalanceLine | None) -> BalanceLine | None:
    return sent.model() if isinstance(sent, _BalanceLine) else None


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _requirement(name: str, deadline: _Deadline | None, strictest: _Deadline | None) -> Requirement:
    status = deadline.status if deadline else "eventually_due"
    at = strictest.time if strictest and strictest.status == status else None
    return Requirement(name, _DUE.get(status, status), at)
