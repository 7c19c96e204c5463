"""The quoted costs of ending a booking equal the settlement when the booking ends."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.barbers.models import CancellationPolicy, Terms
from grome.bookings.cancellation_policy import settlement_for
from grome.bookings.drafts import BookingDraft, PlatformTerms, build_booking
from grome.bookings.models import Booking, Reason, Status
from grome.quotes.cancellation_costs import cancellation_costs
from grome.scheduling.models import BookingRules
from grome.scheduling.offers import ChosenService, OfferedService
from tests.builders.world import build_barber

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
POLICIES = st.builds(
    CancellationPolicy,
    cancel_notice_min=st.sampled_from([0, 60, 24 * 60]),
    late_refund_percent=st.sampled_from([0, 33, 50, 100]),
    no_show_refund_percent=st.sampled_from([0, 25, 100]),
)


def a_booking(price: int, policy: CancellationPolicy, start: datetime) -> Booking:
    services = [ChosenService(OfferedService(uuid4(), "A cut", price, 30))]
    shop = build_barber((52.5, 13.4), rules=BookingRules())
    terms = Terms(policy)
    wish = BookingDraft(id=uuid4(), customer_id=uuid4(), barber=shop, services=services, start=start, terms=terms)
    return build_booking(wish, NOW, PlatformTerms(timedelta(hours=24)))


@settings(max_examples=50)
@given(
    price=st.integers(0, 5_000),
    policy=POLICIES,
    ahead=st.integers(1, 72).map(lambda hours: timedelta(hours=hours)),
    later=st.floats(0, 1.2),
)
def test_quoted_costs_equal_the_later_settlement(
    price: int, policy: CancellationPolicy, ahead: timedelta, later: float
) -> None:
    booking = a_booking(price, policy, NOW + ahead)
    accepted = msgspec.structs.replace(booking, status=Status.ACCEPTED)
    told = cancellation_costs(booking, NOW)
    assert told.no_show == settlement_for(accepted, Reason.NO_SHOW, NOW + ahead).fee
    moment = NOW + ahead * later
    fees = [step.fee for step in told.cancelling if step.until is None or moment <= step.until]
    assert fees[0] == settlement_for(accepted, Reason.CUSTOMER, moment).fee
    assert told.cancelling[-1].until is None
