"""A fault at each call to Stripe, once, in one story: the books are right afterwards."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from config.settings import Settings
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action
from grome.bookings.schemas import CancelIn
from grome.common.actor import Actor, Role
from grome.common.errors import ApiError
from grome.common.ids import new_id
from grome.infrastructure.stripe.calls import STRIPE_CALLS
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.infrastructure.stripe.history import StripeHistory
from grome.payments.customers import Cards
from grome.payments.models import Purpose, payment_id_for
from grome.payments.queries import PaymentQueries
from grome.payments.refunds import Refunds
from grome.payments.schemas import RefundIn
from grome.payments.settler import PaymentSettler
from grome.payments.sync import PaymentSync
from grome.payouts.sender import PayoutSender
from tests.payments.audit_books import find_errors
from tests.payments.dying import STRIPE_METHODS, Killed
from tests.payments.money_world import MoneyWorld
from tests.payments.open_world import open_world

# Every marked call, with its method and path.
PATHS: Final = {
    "account_links.create": ("POST", "/v2/core/account_links"),
    "accounts.create": ("POST", "/v2/core/accounts"),
    "accounts.retrieve": ("GET", "/v2/core/accounts/*"),
    "balance.retrieve": ("GET", "/v1/balance"),
    "balance_transactions.list": ("GET", "/v1/balance_transactions"),
    "charges.retrieve": ("GET", "/v1/charges/*"),
    "customer_sessions.create": ("POST", "/v1/customer_sessions"),
    "customers.create": ("POST", "/v1/customers"),
    "customers.delete": ("DELETE", "/v1/customers/*"),
    "disputes.retrieve": ("GET", "/v1/disputes/*"),
    "events.list": ("GET", "/v2/core/events"),
    "payment_intents.cancel": ("POST", "/v1/payment_intents/*/cancel"),
    "payment_intents.capture": ("POST", "/v1/payment_intents/*/capture"),
    "payment_intents.create": ("POST", "/v1/payment_intents"),
    "payment_intents.retrieve": ("GET", "/v1/payment_intents/*"),
    "payment_methods.detach": ("POST", "/v1/payment_methods/*/detach"),
    "payment_methods.list": ("GET", "/v1/payment_methods"),
    "payment_methods.retrieve": ("GET", "/v1/payment_methods/*"),
    "radar.early_fraud_warnings.retrieve": ("GET", "/v1/radar/early_fraud_warnings/*"),
    "refunds.create": ("POST", "/v1/refunds"),
    "refunds.retrieve": ("GET", "/v1/refunds/*"),
    "setup_intents.cancel": ("POST", "/v1/setup_intents/*/cancel"),
    "setup_intents.create": ("POST", "/v1/setup_intents"),
    "setup_intents.retrieve": ("GET", "/v1/setup_intents/*"),
    "transfers.create": ("POST", "/v1/transfers"),
    "transfers.retrieve": ("GET", "/v1/transfers/*"),
}
# Calls that only find the outcome of an operation without an answer, or follow a page or a late transfer.
RESOLVING: Final = frozenset(
    {
        "balance_transactions.retrieve",
        "events.list_next",
        "payment_intents.list",
        "refunds.list",
        "transfers.list",
        "transfers.reversals.create",
    }
)
_RESOLVING_METHODS: Final = frozenset({"list_intents", "list_refunds", "list_transfers", "reverse_transfer"})
_TRIES: Final = 30
_CHARGED_CARD: Final = "4242424242424242"
_AVAILABLE_CARD: Final = "4000000000000077"
_DISPUTED_CARD: Final = "4000000000000259"
_WARNED_CARD: Final = "4000000000005423"
_PENDING_REFUND_CARD: Final = "4000000000007726"


def test_calls_to_stripe_are_all_in_the_story() -> None:
    assert set(STRIPE_CALLS) == PATHS.keys() | RESOLVING


@pytest.mark.parametrize(
    "kinds",
    [("error_500_before", "conflict_409", "rate_limit_429"), ("error_500_after",), ("drop_reply_after",)],
    ids=["refused", "done_and_error", "done_and_no_reply"],
)
async def test_each_call_with_a_fault_leaves_right_books(
    kinds: tuple[str, ...], settings: Settings, tmp_path: Path
) -> None:
    """Each call meets each fault once: a refused call is made again, and refused for the next reason."""
    async with open_world(settings, tmp_path, 7_000) as world:
        for method, path in PATHS.values():
            for nth, kind in enumerate(kinds, start=1):
                await world.stripe.break_calls(kind, method, path, nth=nth)
        await _Story(world).run()
        broken = Counter((_rule_of(call), call["fault"]) for call in await _calls(world) if call["fault"])
        await world.settle_all()
        assert "\n".join(await find_errors(world)) == ""
        assert broken == dict.fromkeys(product(PATHS.values(), kinds), 1)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_each_call_with_a_kill_leaves_right_books(moment: str, settings: Settings, tmp_path: Path) -> None:
    async with open_world(settings, tmp_path, 7_001) as world:
        world.grome.fuse.kill_at_first(moment)
        await _Story(world).run()
        world.grome.fuse.kill_at_first("never")
        await world.settle_all()
        assert "\n".join(await find_errors(world)) == ""
        assert world.grome.fuse.killed_at >= STRIPE_METHODS - _RESOLVING_METHODS


def _rule_of(call: dict[str, Any]) -> tuple[str, str]:
    """Return the method and path of the rules that broke the call."""
    (rule,) = (rule for rule in PATHS.values() if rule[0] == call["method"] and fnmatchcase(call["path"], rule[1]))
    return rule


async def _calls(world: MoneyWorld) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = (await world.stripe.call("GET", "calls"))["calls"]
    return calls


class _Story:
    """Makes each call to Stripe at least once; a step that a fault ended is taken again."""

    def __init__(self, world: MoneyWorld) -> None:
        self._world, self._grome = world, world.grome

    async def run(self) -> None:
        world = self._world
        await world.open()
        for barber in world.barbers:
            await self._persist(lambda: world.onboard(barber))  # noqa: B023 -- awaited here
        await self._visit_today()
        await self._visit_next_week()
        await world.move_clock(timedelta(days=3))
        await self._persist(world.pay_out)
        await self._persist(self._read_transfer)
        await self._abandoned_payments()
        await self._disputes()
        await self._cards()
        await self._persist(self._deliver_all)
        await self._persist(self._read_balance)
        await self._persist(lambda: self._grome.get(Cards).forget_customer(self._world.customers[0].id))

    async def _visit_today(self) -> None:
        booking = await self._book(hours=20)
        await self._pay(booking, "deposit", _PENDING_REFUND_CARD)
        await self._pay(booking, "visit", _AVAILABLE_CARD)
        await self._world.move_clock(timedelta(hours=20))
        await self._act(booking, Action.START, Action.COMPLETE)
        await self._settle(booking)
        await self._pay(booking, "tip", _CHARGED_CARD)
        payment_id = payment_id_for(booking, Purpose.DEPOSIT)
        wanted = RefundIn(500, "The customer complained.")
        await self._persist(lambda: self._grome.get(Refunds).refund(self._world.admin, payment_id, wanted, "once"))
        await self._persist(lambda: self._grome.get(PaymentSync).look(payment_id))

    async def _visit_next_week(self) -> None:
        booking = await self._book(hours=8 * 24)
        await self._pay(booking, "deposit", _CHARGED_CARD)
        await self._pay(booking, "visit", _CHARGED_CARD)
        await self._world.move_clock(timedelta(days=7))
        await self._settle(booking)
        await self._world.move_clock(timedelta(days=1, minutes=10))
        await self._act(booking, Action.NO_SHOW)
        await self._world.move_clock(timedelta(minutes=20))
        await self._settle(booking)

    async def _abandoned_payments(self) -> None:
        for hours in (30, 9 * 24):
            booking = await self._book(hours=hours)
            await self._pay(booking, "deposit", _CHARGED_CARD)
            await self._pay(booking, "visit", None)
            customer = await self._world.customer_of(booking)
            lifecycle = self._grome.get(BookingLifecycle)
            await self._persist(lambda: lifecycle.cancel(customer, booking, CancelIn()))  # noqa: B023 -- awaited here
            await self._settle(booking)

    async def _disputes(self) -> None:
        for hours, card in ((40, _DISPUTED_CARD), (44, _WARNED_CARD)):
            booking = await self._book(hours=hours)
            await self._pay(booking, "deposit", None)
            await self._confirm(booking, card)
        await self._world.move_clock(timedelta(minutes=5))
        await self._persist(self._world.fetch_events)
        self._world.pending.sort(key=lambda event: event.created, reverse=True)  # the dispute before its payment
        await self._persist(self._deliver_all)

    async def _cards(self) -> None:
        cards, customer = self._grome.get(Cards), self._world.customers[0]
        await self._persist(lambda: cards.set_up(customer, None))
        listed: list[str] = []

        async def choose() -> None:
            listed[:] = [card.id for card in (await cards.list_cards(customer)).items]
            await cards.choose_default(customer, listed[0])

        await self._persist(choose)
        await self._persist(lambda: cards.remove(customer, listed[-1]))

    async def _book(self, *, hours: int) -> UUID:
        return await self._world.book_with(self._world.customers[0], self._world.barbers[0], hours)

    async def _pay(self, booking: UUID, purpose: str, card: str | None) -> None:
        customer = await self._world.customer_of(booking)
        await self._persist(lambda: self._world.pay_with(customer, booking, purpose, card))

    async def _act(self, booking_id: UUID, *actions: Action) -> None:
        booking = await self._world.booking(booking_id)
        barber = Actor(booking.barber_id, Role.BARBER, new_id())
        for action in actions:
            await self._grome.get(BookingLifecycle).apply_action(barber, booking_id, action)

    async def _settle(self, booking: UUID) -> None:
        await self._persist(lambda: self._grome.get(PaymentSettler).settle(booking))

    async def _deliver_all(self) -> None:
        await self._world.fetch_events()
        while self._world.pending:
            await self._world.handle(self._world.pending[0])
            self._world.pending.pop(0)

    async def _confirm(self, booking: UUID, card: str) -> None:
        """Confirm the deposit at Stripe, of which Grome learns by events only."""
        payment = await self._grome.get(PaymentQueries).get(payment_id_for(booking, Purpose.DEPOSIT))
        assert payment.intent_id
        await self._world.stripe.pay(payment.intent_id, card)

    async def _read_transfer(self) -> None:
        payout = await self._grome.database["payouts"].find_one({"transfer_id": {"$type": "string"}})
        assert payout, [each async for each in self._grome.database["payouts"].find()]
        await self._grome.get(PayoutSender).transfer_changed(payout["transfer_id"])

    async def _read_balance(self) -> None:
        history = self._grome.get(StripeHistory)
        await history.get_balance()
        async for _ in history.list_balance_lines(self._world.start):
            pass

    async def _persist(self, step: Callable[[], Awaitable[Any]]) -> None:
        """Repeat the step until no fault ends it, as clients and workers do; minutes pass between tries."""
        for _ in range(_TRIES):
            try:
                await step()
            except (StripeUnsureError, Killed):
                await self._world.move_clock(timedelta(seconds=40))
            except ApiError as error:
                if error.code in {"already_paid", "not_found"}:  # done before its answer was lost
                    return
                if error.code not in {"unavailable", "payment_busy"}:
                    raise
                await self._world.move_clock(timedelta(seconds=40))
            else:
                return
        raise AssertionError(f"{step} does not succeed")
