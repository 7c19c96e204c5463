"""The checks of the load test: sound answers pass, and each kind of wrong answer is named."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from locustfiles.promises import (
    BookedService,
    Booking,
    BookingPage,
    Broken,
    Change,
    Day,
    History,
    NearbyBarber,
    NearbyPage,
    Offer,
    Payment,
    Search,
    Slot,
    Slots,
    check_booked,
    check_cancelled,
    check_history,
    check_listed,
    check_moved,
    check_next_page,
    check_nobody_lost,
    check_page,
    check_same_booking,
    check_slots,
)
from tests.locustfiles.stand_in import BARBERS, SERVICE, nearby

SEARCH = Search(lat=52.52437, lng=13.41053, radius_km=1)
# Three barbers, about 110, 220 and 330 metres to the north.
ITEMS = msgspec.convert(nearby({"lat": "52.52437", "lng": "13.41053", "radius_km": "1"}), list[NearbyBarber])
FIRST, SECOND, THIRD = ITEMS
PAGE = NearbyPage(ITEMS, None)
OFFER = msgspec.convert(SERVICE, Offer)
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
SLOT = Slot(NOON, NOON + timedelta(minutes=30))
BOOKING = Booking(
    id=OFFER.service_id,
    status="requested",
    customer_id=FIRST.id,
    barber_id=SECOND.id,
    services=[BookedService(OFFER.service_id, "Cut", 2500, 30)],
    scheduled_at=SLOT.start,
    ends_at=SLOT.end,
    price=2500,
    currency="EUR",
    payment=Payment("pending", 2500, "EUR"),
    version=1,
)


def test_correct_examples_pass_every_check() -> None:
    assert len(ITEMS) == len(BARBERS)
    check_page(SEARCH, PAGE)
    check_next_page(SEARCH, NearbyPage([FIRST], "more"), NearbyPage([SECOND, THIRD], None))
    check_nobody_lost(replace(SEARCH, price_max=2500, rating_min=4.5), ITEMS, PAGE)
    check_booked(SECOND.id, [OFFER], SLOT, FIRST.id, BOOKING)
    check_listed(BOOKING, BookingPage([BOOKING], None))
    check_history(replace(BOOKING, version=2), History([Change(1, "requested"), Change(2, "requested")]))


@pytest.mark.parametrize(
    ("search", "page", "named"),
    [
        (SEARCH, NearbyPage([SECOND, FIRST], None), "the page does not ascend by distance"),
        (replace(SEARCH, sort="rating"), NearbyPage([FIRST, replace(SECOND, rating=5)], None), "ascend by rating"),
        (replace(SEARCH, sort="price"), NearbyPage([replace(FIRST, services=[]), SECOND], None), "ascend by price"),
        (SEARCH, NearbyPage([FIRST, FIRST], None), "a barber comes twice on a page"),
        (SEARCH, NearbyPage([replace(FIRST, distance_m=120)], None), "distance_m is not the distance"),
        (replace(SEARCH, radius_km=0.3), PAGE, "a barber lies outside the radius"),
        (replace(SEARCH, limit=2), PAGE, "the page is longer than its limit"),
        (SEARCH, NearbyPage(ITEMS, "more"), "a page with a next one is not full"),
        (replace(SEARCH, price_max=2499), PAGE, "a barber does not fit the filters"),
        (replace(SEARCH, service_id=FIRST.id), PAGE, "a barber does not fit the filters"),
        (replace(SEARCH, rating_min=4.6), PAGE, "a barber does not fit the filters"),
        (
            replace(SEARCH, online="true"),
            NearbyPage([replace(FIRST, is_online=False)], None),
            "does not fit the filters",
        ),
    ],
)
def test_nearby_page_with_a_fault_is_reported(search: Search, page: NearbyPage, named: str) -> None:
    with pytest.raises(Broken, match=named):
        check_page(search, page)


def test_next_nearby_page_that_repeats_or_goes_back_is_reported() -> None:
    with pytest.raises(Broken, match="repeats a barber"):
        check_next_page(SEARCH, NearbyPage([FIRST, SECOND], "more"), NearbyPage([SECOND, THIRD], None))
    with pytest.raises(Broken, match="begins before the last one ended"):
        check_next_page(SEARCH, NearbyPage([SECOND], "more"), NearbyPage([FIRST, THIRD], None))


def test_matching_barber_missing_before_the_end_of_the_page_is_reported() -> None:
    with pytest.raises(Broken, match="a barber who fits the filters is missing"):
        check_nobody_lost(SEARCH, ITEMS, NearbyPage([FIRST, THIRD], "more"))
    with pytest.raises(Broken, match="a barber who fits the filters is missing"):
        check_nobody_lost(SEARCH, ITEMS, NearbyPage([FIRST, SECOND], None))
    check_nobody_lost(SEARCH, ITEMS, NearbyPage([FIRST, SECOND], "more"))
    check_nobody_lost(replace(SEARCH, rating_min=4.6), ITEMS, NearbyPage([], None))


def test_slots_that_do_not_fit_the_days_and_services_are_reported() -> None:
    day, other = Day(NOON.date(), [SLOT]), Slot(NOON + timedelta(minutes=5), NOON + timedelta(minutes=35))
    check_slots(day.date, day.date, [OFFER], Slots("UTC", [replace(day, slots=[SLOT, other])]))
    for wrong, named in (
        (Slots("UTC", [replace(day, slots=[other, SLOT])]), "the slots do not ascend"),
        (Slots("UTC", [replace(day, slots=[SLOT, SLOT])]), "the slots do not ascend"),
        (Slots("UTC", [replace(day, slots=[replace(SLOT, end=other.end)])]), "not as long as its services"),
        (Slots("Pacific/Auckland", [day]), "a slot stands under another date"),
        (Slots("UTC", []), "the dates are not those that were asked for"),
        (Slots("UTC", [replace(day, date=date(2027, 3, 2))]), "the dates are not those that were asked for"),
    ):
        with pytest.raises(Broken, match=named):
            check_slots(day.date, day.date, [OFFER], wrong)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"customer_id": THIRD.id}, "another customer's"),
        ({"barber_id": THIRD.id}, "another barber"),
        ({"services": []}, "other services"),
        ({"ends_at": NOON + timedelta(minutes=35)}, "another time"),
        ({"price": 2400}, "not the sum of its services"),
        ({"payment": Payment("pending", 0, "EUR")}, "not over the price"),
        ({"status": "completed"}, "neither requested nor accepted"),
        ({"version": 2}, "not version 1"),
    ],
)
def test_booking_that_differs_from_the_request_is_reported(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(Broken, match=named):
        check_booked(SECOND.id, [OFFER], SLOT, FIRST.id, replace(BOOKING, **changed))


def test_booking_change_that_skips_a_version_or_alters_the_terms_is_reported() -> None:
    accepted, later = replace(BOOKING, status="accepted", version=2), replace(BOOKING, version=3, status="cancelled")
    check_moved(BOOKING, "accepted", accepted)
    check_cancelled(BOOKING, later)
    with pytest.raises(Broken, match="one step is not one version"):
        check_moved(BOOKING, "cancelled", later)
    with pytest.raises(Broken, match="is not accepted after that"):
        check_moved(BOOKING, "accepted", replace(BOOKING, version=2))
    with pytest.raises(Broken, match="is not cancelled after that"):
        check_cancelled(BOOKING, accepted)
    with pytest.raises(Broken, match="is no new version"):
        check_cancelled(BOOKING, replace(later, version=1))
    with pytest.raises(Broken, match="version went back"):
        check_same_booking(accepted, BOOKING)
    with pytest.raises(Broken, match="not the one that was made"):
        check_same_booking(BOOKING, replace(BOOKING, price=1))


def test_booking_missing_in_its_customers_list_is_reported() -> None:
    later = replace(BOOKING, id=THIRD.id, scheduled_at=NOON + timedelta(hours=1))
    check_listed(BOOKING, BookingPage([later], "more"))
    with pytest.raises(Broken, match="missing in its customer's list"):
        check_listed(BOOKING, BookingPage([later], None))
    with pytest.raises(Broken, match="missing in its customer's list"):
        check_listed(later, BookingPage([BOOKING], "more"))
    with pytest.raises(Broken, match="does not begin with the latest"):
        check_listed(BOOKING, BookingPage([BOOKING, later], None))


def test_history_that_does_not_match_version_and_status_is_reported() -> None:
    with pytest.raises(Broken, match="does not count the versions"):
        check_history(replace(BOOKING, version=2), History([Change(2, "requested")]))
    with pytest.raises(Broken, match="does not end in the status"):
        check_history(BOOKING, History([Change(1, "accepted")]))
