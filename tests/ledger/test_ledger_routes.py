"""The ledger over HTTP: a barber's statement, and the entries and balances for admins."""

from datetime import timedelta
from itertools import repeat
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.ledger.models import Entry, held
from grome.ledger.postings import payout_created, refund_created
from grome.ledger.rules import RefundSplit
from tests.builders.barbers import Barber, barber
from tests.builders.ledger import AT, post, visit_entries
from tests.builders.pages import read_pages
from tests.builders.people import Person, create_admin, register

STATEMENT = "/v1/barbers/me/ledger"
ENTRIES, BALANCES = "/v1/admin/ledger/entries", "/v1/admin/ledger/balances"


async def get(http: httpx.AsyncClient, person: Person | Barber, path: str, **query: str) -> dict[str, Any]:
    answer = await http.get(path, params=query, headers=person.auth)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def listed(http: httpx.AsyncClient, person: Person | Barber, path: str, **query: str) -> list[dict[str, Any]]:
    """Read a list in pages of a single row."""
    return [item for page in await read_pages(http, path, query, auth=person.auth, limits=repeat(1)) for item in page]


def refund(entry: Entry, amount: int) -> tuple[Entry, ...]:
    """Build the refund of an amount that the barber bears."""
    assert entry.payment_id
    assert entry.booking_id
    assert entry.barber_id
    return refund_created(
        refund_id=uuid4(),
        payment_id=entry.payment_id,
        booking_id=entry.booking_id,
        barber_id=entry.barber_id,
        split=RefundSplit(barber=amount),
        currency=entry.currency,
        at=entry.at + timedelta(minutes=5),
    )


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


async def test_statement_lists_changes_of_the_barbers_balance_newest_first(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    barber_id = UUID(shop.id)
    visit = visit_entries(barber_id)
    paid = payout_created(
        payout_id=uuid4(), barber_id=barber_id, amount=3000, currency="EUR", at=AT + timedelta(days=4)
    )
    await post(container, *visit, *refund(visit[0], 400), *paid, *visit_entries(uuid4()))
    items = await listed(http, shop, STATEMENT)
    assert [(item["type"], item["amount"], item["commission"]) for item in items] == [
        ("payout_created", -3000, 0),
        ("refund_created", -400, 0),
        ("visit_released", 3400, 600),
    ]
    assert items[-1]["booking_id"] == str(visit[0].booking_id)
    assert items[-1]["currency"] == "EUR"


async def test_entries_for_admins_are_found_by_booking_payment_and_account(
    http: httpx.AsyncClient, container: Container
) -> None:
    admin = await create_admin(http, container)
    paid, released = visit_entries(uuid4())
    await post(container, paid, released)
    for name, value in (
        ("booking_id", paid.booking_id),
        ("payment_id", paid.payment_id),
        ("account", held(paid.booking_id or uuid4())),
    ):
        items = await listed(http, admin, ENTRIES, **{name: str(value)})
        assert {item["id"] for item in items} == {paid.id, released.id}
    [first, *_] = (await get(http, admin, ENTRIES, booking_id=str(paid.booking_id)))["items"]
    assert sum(line["amount"] for line in first["lines"]) == 0
    assert (await get(http, admin, ENTRIES, limit="3"))["items"]


async def test_balances_for_admins_add_up_to_zero(http: httpx.AsyncClient, container: Container) -> None:
    admin, barber_id = await create_admin(http, container), uuid4()
    await post(container, *visit_entries(barber_id, currency="CHF"))
    items = await listed(http, admin, BALANCES)
    assert sum(item["amount"] for item in items if item["currency"] == "CHF") == 0
    assert {item["account"] for item in items} >= {"stripe", "barber_payable", "commission"}
    one = await get(http, admin, BALANCES, prefix=f"barber_payable:{barber_id}")
    assert one["items"] == [{"account": f"barber_payable:{barber_id}", "currency": "CHF", "amount": -3400}]


async def test_statement_of_a_customer_is_refused(http: httpx.AsyncClient) -> None:
    customer = await register(http)
    assert (await http.get(STATEMENT, headers=customer.auth)).status_code == 403
