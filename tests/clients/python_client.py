"""Live through a visit by the client of openapi-python-client.

Arguments: base URL, barber, latitude, longitude, the first and last day to book, the access token of the barber, and
the URL of the local Stripe, which confirms the card as Stripe's SDK does in an app.
"""

import sys
from datetime import date
from uuid import UUID, uuid4

import httpx
from grome_client import AuthenticatedClient, Client
from grome_client.api.auth import login, register
from grome_client.api.availability import free_times
from grome_client.api.bookings import accept, complete, create_booking, read_booking, start
from grome_client.api.chat import send_message
from grome_client.api.nearby import nearby_barbers
from grome_client.api.payments import refresh_payment, start_payment
from grome_client.api.reviews import list_reviews, post_review
from grome_client.models import (
    BookingIn,
    BookingOut,
    InvalidProblem,
    Login,
    MessageIn,
    MessageOut,
    NearbyPage,
    PaymentIn,
    PaymentInPurpose,
    PaymentOut,
    PaymentStarted,
    Register,
    ReviewIn,
    ReviewOut,
    ReviewPage,
    SignedIn,
    SlotsOut,
    SlotTakenOrIdempotencyKeyInFlightProblem,
    SlotTakenOrIdempotencyKeyInFlightProblemCode,
    UnauthenticatedOrWrongCredentialsOrSecondFactorRequiredProblem,
)

base_url, barber_id, latitude, longitude = sys.argv[1], UUID(sys.argv[2]), *map(float, sys.argv[3:5])
first, last, token = date.fromisoformat(sys.argv[5]), date.fromisoformat(sys.argv[6]), sys.argv[7]
stripe_url = sys.argv[8]
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
slots = free_times.sync(barber_id, client=customer, from_=first, to=last, service_ids=service_ids)
assert isinstance(slots, SlotsOut), slots
earliest = next(slot for on in slots.days for slot in on.slots)
wanted = BookingIn(barber_id=barber_id, service_ids=service_ids, scheduled_at=earliest.start)
booking = create_booking.sync(client=customer, body=wanted, idempotency_key=str(uuid4()))
assert isinstance(booking, BookingOut), booking
taken = create_booking.sync(client=customer, body=wanted)
assert isinstance(taken, SlotTakenOrIdempotencyKeyInFlightProblem), taken
assert taken.code is SlotTakenOrIdempotencyKeyInFlightProblemCode.SLOT_TAKEN
read = read_booking.sync(booking.id, client=customer)
assert isinstance(read, BookingOut), read
assert (read.id, read.version) == (booking.id, booking.version)

started = start_payment.sync(booking.id, client=customer, body=PaymentIn(purpose=PaymentInPurpose.DEPOSIT))
assert isinstance(started, PaymentStarted), started
card = {"intent": str(started.client_secret).partition("_secret")[0], "number": "4242424242424242"}
httpx.post(f"{stripe_url}/_control/pay", json=card).raise_for_status()
paid = refresh_payment.sync(started.id, client=customer)
assert isinstance(paid, PaymentOut), paid
assert (paid.status.value, paid.received) == ("paid", booking.payment.deposit)

barber = AuthenticatedClient(base_url, token)
assert shop.rating is None
for step in (accept, start, complete):
    moved = step.sync(booking.id, client=barber)
    assert isinstance(moved, BookingOut), moved
assert moved.status.value == "completed"
sent = send_message.sync(booking.id, client=customer, body=MessageIn(key="thanks", text="Thank you!"))
assert isinstance(sent, MessageOut), sent
review = post_review.sync(booking.id, client=customer, body=ReviewIn(rating=5, text="Great cut."))
assert isinstance(review, ReviewOut), review
reviews = list_reviews.sync(barber_id, client=anybody)
assert isinstance(reviews, ReviewPage), reviews
assert (reviews.summary.rating, [one.text for one in reviews.items]) == (5.0, ["Great cut."])
