"""An object of each kind, and values that only some people may see."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from grome.common.actor import Role
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import EventType
from grome.payments.models import PaymentState
from tests.api.conftest import Cast
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.chat import send
from tests.builders.factors import add_passkey
from tests.builders.payments import store_payment
from tests.builders.payouts import earn, onboard, plan
from tests.builders.people import Person, create_admin, new_phone, register
from tests.builders.promos import create_promo
from tests.builders.quotes import quote
from tests.builders.reports import requested_report
from tests.builders.series import a_series, wish
from tests.builders.waitlist import join_waitlist, window_over
from tests.support.stripe import StripeControl

# Anybody may name these, or an unguessable token is the permission itself.
PUBLIC = frozenset({"barber_id", "service_id", "token"})
# The object lies in the account of the caller, so the same id names another object for each caller.
OWN = frozenset({"device_id", "account_id"})
# These lie in the account of the customer, so that no barber and no admin reads them.
OF_ONE_ACCOUNT = frozenset({"session_id", "passkey_id", "export_id"})
# Admins read these objects of all people.
READ_BY_ADMINS = frozenset({"booking_id", "series_id", "walk_in_id", "payment_id"})


@dataclass
class Objects:
    """`ids` maps path parameters to objects of `owners`. `private` maps values to the people that may read them."""

    owners: dict[Role, Person]
    strangers: dict[Role, Person]
    ids: dict[str, str] = field(default_factory=dict)
    private: dict[str, frozenset[Role]] = field(default_factory=dict)

    @property
    def people(self) -> dict[str, Person]:
        owners = {f"the {role.value}": person for role, person in self.owners.items()}
        return owners | {f"another {role.value}": person for role, person in self.strangers.items()}


async def create_objects(cast: Cast, container: Container, control: StripeControl) -> Objects:
    """Create the objects of a customer and a barber, and a stranger of each role."""
    http = cast.client
    customer, shop = await register(http, phone=new_phone()), await barber(http, container)
    strangers = {
        Role.CUSTOMER: await register(http),
        Role.BARBER: (await barber(http, container)).person,
        Role.ADMIN: await create_admin(http, container),
    }
    made = Objects({Role.CUSTOMER: customer, Role.BARBER: shop.person, Role.ADMIN: cast.people[Role.ADMIN]}, strangers)
    booking = await book(http, customer, shop, tomorrow(9))
    made.ids["booking_id"] = booking["id"]
    await _of_the_booking(made, http, container, booking)
    await _of_the_customer(made, http, control, shop, booking)
    await _of_the_barber(made, http, container, control, shop)
    for person, side in ((customer, Role.CUSTOMER), (shop.person, Role.BARBER)):
        me = (await http.get("/v1/me", headers=person.auth)).json()
        made.private |= {value: frozenset({side}) for value in (me["email"], me["phone"]) if value}
    return made


async def _of_the_booking(
    made: Objects, http: httpx.AsyncClient, container: Container, booking: dict[str, Any]
) -> None:
    path = f"/v1/bookings/{booking['id']}"
    notes = {Role.CUSTOMER: "Ring twice, please.", Role.BARBER: "Talks about chess."}
    for role, note in notes.items():
        await _sent(http, "PUT", f"{path}/note", made.owners[role], {"note": note})
    made.private[notes[Role.CUSTOMER]] = frozenset(Role)
    made.private[notes[Role.BARBER]] = frozenset({Role.BARBER, Role.ADMIN})
    message = await send(http, made.owners[Role.CUSTOMER], booking, "The bell is broken.")
    made.private["The bell is broken."] = frozenset({Role.CUSTOMER, Role.BARBER})
    made.ids["message_id"] = message["id"]
    paid = (EventType.PAYMENT_FAILED, PaymentState.FAILED, "insufficient_funds")
    await store_payment(container, booking, paid, amount=500)
    payments = (await _sent(http, "GET", "/v1/payments", made.owners[Role.CUSTOMER]))["items"]
    made.ids["payment_id"] = payments[0]["id"]


async def _of_the_customer(
    made: Objects, http: httpx.AsyncClient, control: StripeControl, shop: Barber, booking: dict[str, Any]
) -> None:
    customer = made.owners[Role.CUSTOMER]
    series = await a_series(http, customer, wish(shop, tomorrow(11)))
    queue = {"service_ids": [shop.services[0][0]]}
    await _sent(http, "PUT", "/v1/barbers/me/online", shop.person, {"is_online": True})
    setup = await _sent(http, "POST", "/v1/me/cards", customer)
    await control.pay(setup["client_secret"].partition("_secret")[0])
    (card,) = (await _sent(http, "GET", "/v1/me/cards", customer))["items"]
    made.ids |= {
        "series_id": series["id"],
        "quote_id": (await quote(http, customer, shop, tomorrow(14)))["id"],
        "entry_id": (await join_waitlist(http, customer, shop, **window_over(booking)))["id"],
        "walk_in_id": (await _sent(http, "POST", f"/v1/barbers/{shop.id}/walk-ins", customer, queue))["id"],
        "card_id": card["id"],
        "export_id": (await _sent(http, "POST", "/v1/me/export", customer))["id"],
        "session_id": (await _sent(http, "GET", "/v1/me/sessions", customer))["items"][0]["id"],
        "passkey_id": (await add_passkey(http, customer))[1]["passkey"]["id"],
    }


async def _of_the_barber(
    made: Objects, http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    away = {"starts_at": tomorrow(20).isoformat(), "ends_at": tomorrow(21).isoformat(), "note": "At the dentist."}
    time_off = await _sent(http, "POST", "/v1/barbers/me/time-off", shop.person, away)
    hook = {"url": "https://example.com/hook"}
    endpoint = (await _sent(http, "POST", "/v1/webhooks/endpoints", shop.person, hook))["endpoint"]
    delivery = await _sent(http, "POST", f"/v1/webhooks/endpoints/{endpoint['id']}/test", shop.person)
    stripe_id = await onboard(http, container, control, shop)
    await earn(container, shop, 3000)
    (payout,) = await plan(container, shop)
    made.ids |= {
        "time_off_id": time_off["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": delivery["id"],
        "payout_id": str(payout.id),
        "promo_id": (await create_promo(http, shop.person, "/v1/barbers/me/promos"))["id"],
        "report_id": (await requested_report(http, shop.person))["id"],
    }
    made.private |= {"At the dentist.": frozenset({Role.BARBER}), stripe_id: frozenset()}


async def _sent(http: httpx.AsyncClient, method: str, path: str, person: Person, body: Any = None) -> Any:
    response = await http.request(method, path, json=body, headers=person.auth)
    assert response.is_success, (path, response.text)
    return response.json()
