"""Test receipts by reading them back: figures, languages, access, and links."""

import io
from uuid import UUID

import httpx
import pypdf
import pytest

from grome.common.languages import LANGUAGES
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import EventType
from grome.payments.models import PaymentState, Purpose
from grome.receipts.figures import included_tax
from grome.receipts.links import ReceiptLinks
from grome.receipts.translations import TEXTS
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.payments import store_payment
from tests.builders.people import create_admin, register

PAID = (EventType.PAYMENT_PAID, PaymentState.PAID, "")


def text_of(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(response.content)).pages
    return "\n".join(page.extract_text() for page in pages).replace("\0", "")


async def test_receipt_states_the_payments_to_both_sides_and_admins(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await barber(http, container, name="Łukasz Żółć"), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    await store_payment(container, booking, PAID, amount=1_000, received=1_000)
    path = f"/v1/bookings/{booking['id']}/receipt"
    for person in (customer, shop.person, await create_admin(http, container)):
        answer = (await http.get(path, headers=person.auth)).json()
        assert answer["total"] == booking["price"]
        assert (answer["paid"], answer["due"]) == (1_000, booking["price"] - 1_000)
        assert [(each["purpose"], each["amount"]) for each in answer["payments"]] == [("deposit", 1_000)]
        text = text_of(await http.get(f"{path}.pdf", headers=person.auth))
        assert "Łukasz Żółć" in text
        assert answer["number"] in text
        assert "€10.00" in text
    again = (await http.get(path, headers=customer.auth)).json()
    assert again["number"] == answer["number"]


async def test_receipt_without_payment_is_refused(http: httpx.AsyncClient, container: Container) -> None:
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    refused = await http.get(f"/v1/bookings/{booking['id']}/receipt", headers=customer.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_paid")


async def test_receipt_of_a_stranger_is_not_found(http: httpx.AsyncClient, container: Container) -> None:
    shop, customer, stranger = await barber(http, container), await register(http), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    await store_payment(container, booking, PAID, amount=1_000, received=1_000)
    for path in ("receipt", "receipt.pdf"):
        assert (await http.get(f"/v1/bookings/{booking['id']}/{path}", headers=stranger.auth)).status_code == 404


async def test_receipt_link_opens_without_sign_in_and_a_forged_link_does_not(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    await store_payment(container, booking, PAID, amount=1_250, received=1_250, purpose=Purpose.TIP)
    path = container.get(ReceiptLinks).url(UUID(booking["id"]), customer.id).partition("/v1/")[2]
    text = text_of(await http.get(f"/v1/{path}"))
    assert "€12.50" in text
    forged = ("B" if path[-40] != "B" else "C").join((path[:-40], path[-39:]))
    assert (await http.get(f"/v1/{forged}")).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
async def test_receipt_is_in_the_language_of_its_reader(
    http: httpx.AsyncClient, container: Container, language: str
) -> None:
    shop, customer = await barber(http, container), await register(http)
    changed = await http.patch("/v1/me/preferences", json={"language": language}, headers=customer.auth)
    assert changed.status_code == 200, changed.text
    booking = await book(http, customer, shop, tomorrow(9))
    await store_payment(container, booking, PAID, amount=1_000, received=1_000)
    text = text_of(await http.get(f"/v1/bookings/{booking['id']}/receipt.pdf", headers=customer.auth))
    assert language == "ar" or TEXTS[language].title in text  # Arabic is read back in its visual forms


@pytest.mark.parametrize(("amount", "tax_bp", "tax"), [(11_900, 1_900, 1_900), (3_200, 1_900, 511), (1_000, 0, 0)])
def test_tax_included_is_rounded_half_up(amount: int, tax_bp: int, tax: int) -> None:
    assert included_tax(amount, tax_bp) == tax
