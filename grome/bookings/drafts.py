"""Define the draft of a booking, find the error for its start, and build the booking from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import structs

from grome.barbers.calendar_builder import NO_TRAVEL, Travel
from grome.barbers.models import Barber, DepositRule, Terms
from grome.bookings.errors import SlotNotOffered, SlotTaken
from grome.bookings.models import (
    Action,
    Booking,
    Guest,
    HistoryEntry,
    HouseCall,
    Idempotency,
    Origin,
    Party,
    Payment,
    PaymentStatus,
    Status,
    to_booked_service,
)
from grome.common.errors import ApiError
from grome.common.figures import percent_of_ceil
from grome.common.ids import new_id
from grome.promos.models import Discount, PricedVisit
from grome.scheduling.offers import ChosenService
from grome.scheduling.slots import Calendar, Unavailability, occupied_ticks, reason_unavailable
from grome.scheduling.visit_plan import VisitPlan, plan_visit, rules_for


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingDraft:
    """Holds requested services of a barber at their prices, from `start` (UTC) on, for a customer or a guest.

    `terms` apply to the booking, and `id` will be the id of the booking. A use of `promo_code` is claimed with the
    time; `discount` is the claimed or quoted reduction. A draft reserves nothing.
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
    draft: BookingDraft, now: datetime, answer_within: timedelta, idempotency: Idempotency | None = None
) -> Booking:
    """Build the whole document with its claimed ticks, but without seats under daily caps."""
    rules = rules_for(draft.barber.rules, draft.services)
    visit = plan_visit(draft.barber.rules, draft.services, draft.travel.travel_min)
    status = Status.ACCEPTED if rules.auto_accept else Status.REQUESTED
    answer_by = None if rules.auto_accept else min(now + answer_within, draft.start)
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
    )
    currency = draft.barber.currency
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
        currency=currency,
        payment=Payment(PaymentStatus.PENDING, draft.price, currency, deposit_for(draft.terms.deposit, draft.price)),
        terms=draft.terms,
        customer_note=draft.note,
        version=1,
        idempotency=idempotency,
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


def deposit_for(rule: DepositRule, price: int) -> int:
    """Return the deposit in minor units, rounded up, because a deposit is a security."""
    return min(max(percent_of_ceil(price, rule.percent), rule.least), price)
