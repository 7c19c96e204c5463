"""Book a time through the client of openapi-python-client; arguments: base URL, barber, latitude, longitude, day."""

import sys
from datetime import date
from uuid import UUID, uuid4

from grome_client import AuthenticatedClient, Client
from grome_client.api.auth import login, register
from grome_client.api.availability import free_times
from grome_client.api.bookings import create_booking, read_booking
from grome_client.api.nearby import nearby_barbers
from grome_client.models import (
    BookingIn,
    BookingOut,
    InvalidProblem,
    Login,
    NearbyPage,
    Register,
    SignedIn,
    SlotsOut,
    SlotTakenOrIdempotencyKeyInFlightProblem,
    SlotTakenOrIdempotencyKeyInFlightProblemCode,
    UnauthenticatedOrWrongCredentialsOrSecondFactorRequiredProblem,
)

base_url, barber_id, latitude, longitude, day = sys.argv[1], UUID(sys.argv[2]), *map(float, sys.argv[3:5]), sys.argv[5]
email, password = f"{uuid4()}@example.com", "correct horse battery"
anybody = Client(base_url)

registered = register.sync(client=anybody, body=Register(email=email, password=password, name="A program"))
assert isinstance(registered, SignedIn), registered
refused = login.sync(client=anybody, body=Login(email=email, password="not the password"))
assert isinstance(refused, UnauthenticatedOrWrongCredentialsOrSecondFactorRequiredProblem), refused
assert (refused.code, refused.status) == ("wrong_credentials", 401)
signed_in = login.sync(client=anybody, body=Login(email=email, password=password))
assert isinstance(signed_in, SignedIn), signed_in
customer = AuthenticatedClient(base_url, signed_in.access_token)

nearby = nearby_barbers.sync(client=customer, lat=latitude, lng=longitude, radius_km=1.0)
assert isinstance(nearby, NearbyPage), nearby
(shop,) = (one for one in nearby.items if one.id == barber_id)
nowhere = nearby_barbers.sync(client=customer, lat=91.0, lng=longitude)
assert isinstance(nowhere, InvalidProblem), nowhere
assert [fault.field for fault in nowhere.errors] == ["lat"]

service_ids = [shop.services[0].service_id]
when = date.fromisoformat(day)
slots = free_times.sync(barber_id, client=customer, from_=when, to=when, service_ids=service_ids)
assert isinstance(slots, SlotsOut), slots
wanted = BookingIn(barber_id=barber_id, service_ids=service_ids, scheduled_at=slots.days[0].slots[0].start)
booking = create_booking.sync(client=customer, body=wanted, idempotency_key=str(uuid4()))
assert isinstance(booking, BookingOut), booking
taken = create_booking.sync(client=customer, body=wanted)
assert isinstance(taken, SlotTakenOrIdempotencyKeyInFlightProblem), taken
assert taken.code is SlotTakenOrIdempotencyKeyInFlightProblemCode.SLOT_TAKEN
read = read_booking.sync(booking.id, client=customer)
assert isinstance(read, BookingOut), read
assert (read.id, read.version) == (booking.id, booking.version)
