"""A person of each role, an object for each path parameter, and a check that nothing was written.

The application takes payments, so that their routes do more than refuse.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from config.settings import Settings
from grome.app import App
from grome.common.actor import Role
from grome.infrastructure.container import Container
from tests.api.surface import Route
from tests.api.writes import changes_since, log_position, without_expiry
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.calendars import address, token_of
from tests.builders.chat import report_message, send
from tests.builders.people import Person, create_admin, register
from tests.builders.privacy import requested_export
from tests.builders.reports import requested_report
from tests.support.app import apart, app, container, database, http, running
from tests.support.http_client import http_client
from tests.support.stripe import LocalStripe, StripeControl, local_stripe, with_payments

__all__ = ["app", "container", "database", "http", "running"]

# For each field that some query requires.
GOOD_VALUES = {
    "lat": "52.5",
    "lng": "13.4",
    "from": "2027-03-01",
    "to": "2027-03-02",
    "service_ids": "01890a5d-ac96-774b-bcce-b302099a8057",
    "q": "cut",
    "minutes": "15",
    "rooms": "nowhere",  # refused as the name of no room, because a stream of a room would not end
}
# For each route with an id whose body requires a field, by the name of its handler.
GOOD_BODIES = {
    "send_message": b'{"key": "1", "text": "a"}',
    "edit_message": b'{"text": "a"}',
    "mark_read": b'{"message": "0190b0a0-0000-7000-8000-000000000000"}',
    "mark_delivered": b'{"message": "0190b0a0-0000-7000-8000-000000000000"}',
    "report_message": b'{"reason": "a"}',
    "resolve_message_report": b'{"decision": "dismissed", "note": "a"}',
    "resolve_finding": b'{"reason": "Known."}',
    "put_push_token": b'{"token": "a"}',
    "rename_passkey": b'{"name": "Key ring"}',
    "put_note": b'{"note": "a"}',
    "tip": b'{"amount": 100}',
    "reschedule_following": b'{"scheduled_at": "2027-03-01T09:00:00Z"}',
    "rebook": b'{"scheduled_at": "2027-03-01T09:00:00Z"}',
    "reschedule": b'{"scheduled_at": "2027-03-01T09:00:00Z"}',
    "late": b'{"minutes": 15}',
    "report_position": b'{"lat": 52.5, "lng": 13.4}',
    "put_webhook_endpoint": b'{"url": "https://example.com/"}',
    "post_review": b'{"rating": 5}',
    "edit_review": b'{"rating": 5}',
    "put_answer": b'{"text": "a"}',
    "join_queue": b'{"service_ids": ["0190b0a0-0000-7000-8000-000000000000"]}',
    "give_goodwill": b'{"amount": 100, "currency": "EUR", "reason": "a"}',
    "write_off_debt": b'{"amount": 100, "currency": "EUR", "reason": "a"}',
    "put_commission": b'{"basis_points": null, "reason": "a"}',
    "put_promo": b'{"percent": 10}',
    "put_own_promo": b'{"percent": 10}',
    "switch_promo": b'{"is_active": false}',
    "switch_own_promo": b'{"is_active": false}',
    "start_payment": b'{"purpose": "deposit"}',
    "refund_payment": b'{"amount": 100, "reason": "Late."}',
    "write_off_payment": b'{"reason": "Late."}',
    "hold_payouts": b'{"reason": "Late."}',
    "release_payouts": b'{"reason": "Late."}',
    "reject_verification": b'{"notes": "The photo is blurred."}',
    "ask_for_documents": b'{"notes": "The photo is blurred."}',
    "suspend_user": b'{"reason": "Spam in messages."}',
    "restore_user": b'{"reason": "Spam in messages."}',
    "sign_out_user": b'{"reason": "Spam in messages."}',
}


@dataclass(frozen=True)
class Cast:
    """The customer has a booking with the barber, and the barber has a report. `ids` maps path parameters to ids."""

    client: httpx.AsyncClient
    people: dict[Role, Person]
    ids: dict[str, str]

    def auth(self, route: Route) -> dict[str, str]:
        """Return the headers of an account that may call the route; no headers if the route is public."""
        return next((person.auth for role, person in self.people.items() if role in route.who), {})

    async def ask(
        self,
        route: Route,
        *,
        auth: Mapping[str, str] | None = None,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, str | None] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Call the route about existing objects, as an allowed account unless `auth` has other headers.

        `ids` and `query` replace the parameters of the route; None leaves a field out of the query. Queries are sent as
        they are given, unquoted, and headers in Latin-1.
        """
        url = route.url(**{**self.ids, **(ids or {})}) + _query(route, query or {})
        given = {**(self.auth(route) if auth is None else auth), **(headers or {})}
        sent = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        return await self.client.request(route.method, url, content=content, headers=sent)


def _query(route: Route, changed: Mapping[str, str | None]) -> str:
    required = [field.encode_name for field in route.query_fields if field.required]
    fields = {**{name: GOOD_VALUES[name] for name in required}, **changed}
    given = [f"{name}={value}" for name, value in fields.items() if value is not None]
    return f"?{'&'.join(given)}" if given else ""


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture(scope="session")
def settings(settings: Settings, stripe_server: LocalStripe) -> Settings:
    return with_payments(apart(settings, "api", 4), stripe_server)


@pytest.fixture
async def control(stripe_server: LocalStripe) -> AsyncIterator[StripeControl]:
    opened = StripeControl(stripe_server.url)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def cast(app: App) -> AsyncIterator[Cast]:
    container: Container = app.ctx.container
    async with http_client(app.ctx.base_url) as client:
        shop = await barber(client, container)
        customer, boss = await register(client), await create_admin(client, container)
        booking = await book(client, customer, shop, tomorrow(9))
        report = await requested_report(client, shop.person)
        message = await send(client, customer, booking, "Hello")
        reported = await report_message(client, shop.person, message)
        yield Cast(
            client,
            {Role.CUSTOMER: customer, Role.BARBER: shop.person, Role.ADMIN: boss},
            {
                "barber_id": shop.id,
                "service_id": shop.services[0][0],
                "booking_id": booking["id"],
                "report_id": report["id"],
                "export_id": (await requested_export(client, customer))["id"],
                "message_id": message["id"],
                "message_report_id": reported["id"],
                "account_id": shop.id,
                "token": token_of(await address(client, customer)),
            },
        )


@pytest.fixture(scope="module")
async def _nothing_expires(app: App) -> AsyncIterator[None]:
    async with without_expiry(app.ctx.container.database):
        yield


@pytest.fixture
async def nothing_written(container: Container, cast: Cast, _nothing_expires: None) -> AsyncIterator[None]:  # noqa: ARG001 -- the cast writes first
    before = await log_position(container.database)
    yield
    assert await changes_since(before, container.database) == []
