"""The part of the story that moves money: cards, payments, receipts, payouts, the ledger and reconciliation."""

from uuid import UUID, uuid4

import msgspec

from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import EventType
from grome.ledger.postings import payout_created
from grome.payments.models import PaymentState, Purpose, payment_id_for
from grome.receipts.links import ReceiptLinks
from grome.reconciliation.findings import Findings
from grome.reconciliation.models import Difference, FindingKind
from grome.reconciliation.repository import FindingRepository
from tests.api.story import Story
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.jobs import discard_job
from tests.builders.ledger import post
from tests.builders.payments import store_payment
from tests.builders.payouts import decide, earn, plan
from tests.builders.people import Person, register
from tests.payments.inbox.notifications import signature, thin_event
from tests.support.stripe import WEBHOOK_SECRET, StripeControl

_DEPOSIT = {"deposit": {"percent": 50}}


async def tell_payments(told: Story, container: Container, control: StripeControl, boss: dict[str, str]) -> None:
    shop = await barber(told.client, container, terms=_DEPOSIT)
    customer = await register(told.client)
    await _cards(told, control, customer)
    booking_id = await _deposit(told, control, shop, customer)
    await _receipt(told, container, customer, booking_id)
    payment_id = payment_id_for(UUID(booking_id), Purpose.DEPOSIT)
    refunded = await told.ask("refund_payment", boss, payment_id=payment_id, json={"amount": 100, "reason": "Retard."})
    assert (refunded["refunded"], len(refunded["refunds"])) == (100, 1)
    await _write_off(told, container, shop, customer, boss)
    await _payouts(told, container, control, shop, boss)
    await _books(told, shop, boss)
    await _agreements(told, container, shop, boss)
    await _findings(told, container, boss)
    body = msgspec.json.encode(thin_event())
    signed = {"stripe-signature": signature(body, WEBHOOK_SECRET), "content-type": "application/json"}
    await told.ask("receive_notification", signed, content=body)


async def _cards(told: Story, control: StripeControl, customer: Person) -> None:
    setup = await told.ask("add_card", customer.auth)
    assert (await control.pay(_id_of(setup["client_secret"])))["status"] == "succeeded"
    (card,) = (await told.ask("list_cards", customer.auth))["items"]
    assert (await told.ask("choose_card", customer.auth, card_id=card["id"])) == {**card, "is_default": True}
    await told.ask("remove_card", customer.auth, card_id=card["id"])


async def _deposit(told: Story, control: StripeControl, shop: Barber, customer: Person) -> str:
    rules = {"services": [], "risks": [{"new_client": True, "percent": 50}]}
    await told.ask("put_deposit_rules", shop.auth, json=rules)
    booking_id: str = (await book(told.client, customer, shop, tomorrow(9)))["id"]
    wanted = {"purpose": "deposit"}
    started = await told.ask("start_payment", customer.auth, booking_id=booking_id, json=wanted)
    (listed,) = (await told.ask("list_booking_payments", customer.auth, booking_id=booking_id))["items"]
    assert listed["client_secret"] == started["client_secret"]
    await control.pay(_id_of(started["client_secret"]))
    paid = await told.ask("refresh_payment", customer.auth, payment_id=started["id"])
    assert (paid["status"], paid["received"]) == ("paid", 1500)
    assert (await told.ask("list_payments", shop.auth))["items"] == [paid]
    assert await told.ask("read_payment", customer.auth, payment_id=paid["id"]) == paid
    return booking_id


async def _receipt(told: Story, container: Container, customer: Person, booking_id: str) -> None:
    await told.ask("read_receipt", customer.auth, booking_id=booking_id)
    await told.ask("download_receipt", customer.auth, booking_id=booking_id)
    url = container.get(ReceiptLinks).url(UUID(booking_id), customer.id)
    await told.ask("open_receipt", token=url.rpartition("/")[2])


async def _write_off(told: Story, container: Container, shop: Barber, customer: Person, boss: dict[str, str]) -> None:
    booking = await book(told.client, customer, shop, tomorrow(12))
    failed = (EventType.PAYMENT_FAILED, PaymentState.FAILED, "insufficient_funds")
    await store_payment(container, booking, failed, amount=500, purpose=Purpose.FEE)
    payment_id = payment_id_for(UUID(booking["id"]), Purpose.FEE)
    given_up = await told.ask("write_off_payment", boss, payment_id=payment_id, json={"reason": "Malade."})
    assert given_up["status"] == "canceled"


async def _payouts(
    told: Story, container: Container, control: StripeControl, shop: Barber, boss: dict[str, str]
) -> None:
    assert (await told.ask("start_onboarding", shop.auth, json={"country": "DE"}))["url"]
    await decide(container, control, shop, "complete")
    assert (await told.ask("read_onboarding", shop.auth))["status"] == "active"
    await earn(container, shop, 3000)
    (payout,) = await plan(container, shop)
    (listed,) = (await told.ask("list_payouts", shop.auth))["items"]
    assert (await told.ask("read_payout", shop.auth, payout_id=payout.id))["payout"] == listed
    assert (await told.ask("list_all_payouts", boss, params={"barber_id": shop.id}))["items"] == [listed]
    assert await told.ask("retry_payout", boss, payout_id=payout.id) == listed
    await told.ask("hold_payouts", boss, barber_id=shop.id, json={"reason": "À vérifier."})
    await told.ask("release_payouts", boss, barber_id=shop.id, json={"reason": "Vérifié."})


async def _books(told: Story, shop: Barber, boss: dict[str, str]) -> None:
    assert (await told.ask("list_statement", shop.auth))["items"]
    assert (await told.ask("read_own_balance", shop.auth))["items"]
    assert (await told.ask("list_ledger_entries", boss, params={"account": "stripe"}))["items"]
    assert (await told.ask("list_balances", boss, params={"prefix": "held:"}))["items"]


async def _agreements(told: Story, container: Container, shop: Barber, boss: dict[str, str]) -> None:
    """Agree on a commission, and adjust the balance of a barber."""
    agreed = {"basis_points": 800, "reason": "Premier mois."}
    await told.ask("put_commission", boss, barber_id=shop.id, json=agreed)
    assert (await told.ask("read_commission", boss, barber_id=shop.id))["basis_points"] == 800
    assert (await told.ask("read_own_commission", shop.auth))["basis_points"] == 800
    debtor = await barber(told.client, container)
    owed = {"payout_id": uuid4(), "barber_id": debtor.person.id, "amount": 500, "currency": "EUR"}
    await post(container, *payout_created(**owed, at=container.clock()))
    wanted = {"amount": 200, "currency": "EUR", "reason": "Geste."}
    assert (await told.ask("write_off_debt", boss, barber_id=debtor.id, json=wanted))["amount"] == 200
    assert (await told.ask("give_goodwill", boss, barber_id=debtor.id, json=wanted))["amount"] == 200


async def _findings(told: Story, container: Container, boss: dict[str, str]) -> None:
    difference = Difference(kind=FindingKind.BALANCE_DIFFERS, subject="AUD", amount=5, currency="AUD")
    await Findings(FindingRepository(container.database), container.clock).report(difference)
    found = (await told.ask("list_findings", boss))["items"]
    assert str(difference.id) in {finding["id"] for finding in found}
    resolved = await told.ask("resolve_finding", boss, finding_id=difference.id, json={"reason": "Arrondi."})
    assert resolved["reason"] == "Arrondi."
    await discard_job(container, (await told.ask("run_reconciliation", boss))["job_id"])


def _id_of(client_secret: str) -> str:
    return client_secret.partition("_secret")[0]
