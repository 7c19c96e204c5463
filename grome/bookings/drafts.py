"""Define the draft of a booking, find the error for its start, and build the booking from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import structs

from grome.barbers.calendar_builder import NO_TRAVEL, Travel
from grome.barbers.models import Barber, Terms
from grome.bookings.deposits import ClientHistory, Deposit, calculate_deposit, make_chargeable
from grome.bookings.errors import SlotNotOffered, SlotTaken
from grome.bookings.models import (
    Action,
    Booking,
    BookingKey,
    Guest,
    HistoryEntry,
    HouseCall,
    Origin,
    Party,
    Payment,
    PaymentStatus,
    Status,
    to_booked_service,
)
from grome.common.errors import ApiError
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.promos.models import Discount, PricedVisit
from grome.scheduling.offers import ChosenService
from grome.scheduling.slots import Calendar, Unavailability, occupied_ticks, reason_unavailable
from grome.scheduling.visit_plan import VisitPlan, plan_visit, rules_for

_WITHOUT_HISTORY: Final = ClientHistory()
# These customers choose a time themselves; a waiting customer pays the deposit after accepting the offer.
_PAYING_AT_ONCE: Final = frozenset({Origin.DIRECT, Origin.ANY_BARBER, Origin.REBOOK})


@dataclass(frozen=True, slots=True)
class PlatformTerms:
    """Holds the settings of the platform for new bookings.

    A barber answers a request, and a customer pays the deposit, within these times. No deposits are charged if
    `deposit_within` is None. `commission_bp` applies to barbers without a commission of their own.
    """

    answer_within: timedelta
    deposit_within: timedelta | None = None
    commission_bp: int = 0

    def deposit_deadline(self, deposit: int, now: datetime, start: datetime) -> datetime | None:
        """Return the moment up to which the deposit is awaited, or None if none is charged."""
        return min(now + self.deposit_within, start) if self.deposit_within and deposit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingDraft:
    """Holds requested services of a barber at their prices, from `start` (UTC) on, for a customer or a guest.

    `terms` apply to the booking, and `id` will be the id of the booking. A use of `promo_code` is claimed with the
    time; `discount` is the claimed or quoted reduction. `deposit` and `commission_bp` are set once they are fixed. A
    draft reserves nothing.
    """

    id: UUID
    customer_id: UUID | None
    guest: Guest | None = None
    barber: Barber
    services: list[ChosenService]
    start: datetime
    house_call: HouseCall | None = None
    terms: Terms
    promo_code: str | None = None
    discount: Discount | None = None
    deposit: int | None = None
    commission_bp: int | None = None
    note: str | None = None
    origin: Origin = Origin.DIRECT
    series_id: UUID | None = None

    @property
    def travel(self) -> Travel:
        return Travel(self.house_call.distance_m, self.house_call.travel_min) if self.house_call else NO_TRAVEL

    @property
    def priced(self) -> PricedVisit:
        services = [(service.offer.service_id, service.total_price) for service in self.services]
        return PricedVisit(self.barber.id, services, self.barber.currency)

    @property
    def price(self) -> int:
        return self.priced.price - (self.discount.amount if self.discount else 0)

    def commission_by(self, platform: PlatformTerms) -> int:
        rates = (self.commission_bp, self.barber.commission_bp, platform.commission_bp)
        return next(rate for rate in rates if rate is not None)

    def deposit_by(self, platform: PlatformTerms, client: ClientHistory = _WITHOUT_HISTORY) -> Deposit:
        """Calculate the deposit; charged deposits are amounts that a card can be charged with."""
        deposit = calculate_deposit(self.terms.deposit, self.barber.deposit_rules, self.priced, self.price, client)
        if platform.deposit_within is None:
            return deposit
        return make_chargeable(deposit, self.price, self.barber.currency)


def find_start_error(calendar: Calendar, visit: VisitPlan, start: datetime) -> ApiError | None:
    """Return the error to raise if the start cannot be booked; None if it can."""
    match reason_unavailable(calendar, start, visit):
        case None:
            return None
        case Unavailability.TAKEN:
            return SlotTaken()
        case reason:
            return SlotNotOffered(reason.value, reason.sentence)


def build_booking(
    draft: BookingDraft, now: datetime, platform: PlatformTerms, key: BookingKey | None = None
) -> Booking:
    """Build the whole document with its claimed ticks, but without seats under daily caps."""
    rules = rules_for(draft.barber.rules, draft.services)
    visit = plan_visit(draft.barber.rules, draft.services, draft.travel.travel_min)
    status = Status.ACCEPTED if rules.auto_accept else Status.REQUESTED
    answer_by = None if rules.auto_accept else min(now + platform.answer_within, draft.start)
    deposit = draft.deposit_by(platform).amount if draft.deposit is None else draft.deposit
    is_paying = draft.customer_id is not None and draft.origin in _PAYING_AT_ONCE
    payment = Payment(
        PaymentStatus.PENDING,
        draft.price,
        draft.barber.currency,
        deposit,
        pay_by=platform.deposit_deadline(deposit, now, draft.start) if is_paying else None,
    )
    created = HistoryEntry(
        id=new_id(),
        version=1,
        action=Action.CREATE,
        status=status,
        by=Party.CUSTOMER,
        actor_id=draft.customer_id,
        at=now,
        note=draft.note,
        scheduled_at=draft.start,
        answer_by=answer_by,
        payment=payment if payment.pay_by else None,
        origin=origin_by(draft.customer_id),
    )
    return Booking(
        id=draft.id,
        customer_id=draft.customer_id,
        guest=draft.guest,
        barber_id=draft.barber.id,
        origin=draft.origin,
        series_id=draft.series_id,
        services=[to_booked_service(service) for service in draft.services],
        scheduled_at=draft.start,
        ends_at=draft.start + timedelta(minutes=visit.duration_min),
        house_call=draft.house_call,
        ticks=occupied_ticks(rules, draft.start, visit),
        active=True,
        status=status,
        awaits=None if rules.auto_accept else Party.BARBER,
        answer_by=answer_by,
        price=draft.price,
        discount=draft.discount,
        currency=draft.barber.currency,
        payment=payment,
        terms=draft.terms,
        commission_bp=draft.commission_by(platform),
        customer_note=draft.note,
        version=1,
        idempotency=key,
        history=[created],
        created_at=now,
    )


def as_waitlist_offer(booking: Booking, answer_by: datetime) -> Booking:
    """Build the booking as an offer by Grome to a waiting customer, held until the customer answers."""
    [created] = booking.history
    entry = structs.replace(
        created, action=Action.OFFER, status=Status.REQUESTED, by=Party.SYSTEM, actor_id=None, answer_by=answer_by
    )
    return structs.replace(
        booking, status=Status.REQUESTED, awaits=Party.CUSTOMER, answer_by=answer_by, history=[entry]
    )
