"""The paid part of the demo: deposit, 3-D Secure, visit, tip, balance, refund and fee, on the local Stripe."""

import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from grome.accounts.schemas import Login, SignedIn
from grome.barbers.models import CancellationPolicy, DepositRule
from grome.barbers.schemas import BarberOut, CancellationIn, NearbyBarber, TermsIn
from grome.bookings.models import Action, Payment, Status
from grome.bookings.schemas import BookingIn, BookingOut, CancelIn, CancellationOut
from grome.dev.demo.api_client import ApiClient, BrokenPromise
from grome.dev.demo.card_app import SECURE_CARD, CardApp, find_local_stripe
from grome.dev.demo.narrator import Narrator, expect, format_time
from grome.dev.demo.prices import format_price
from grome.dev.demo.visits import accept_actions, agree, apply_action, list_free_slots, propose_now
from grome.dev.demo_accounts.models import ADMIN_EMAIL, DEMO_PASSWORD
from grome.ledger.schemas import AccountBalancePage, StatementPage
from grome.payments.models import PaymentState
from grome.payments.schemas import PaymentIn, PaymentOut
from grome.payouts.schemas import BarberBalanceList, OnboardingIn, OnboardingLink, OnboardingState, PayoutPage

_DEPOSIT_PERCENT: Final = 20
_LATE_REFUND_PERCENT: Final = 50
_NOTICE_MIN: Final = 14 * 24 * 60  # longer than all times of the demo are ahead, so that each cancellation is late
_SOONEST: Final = timedelta(hours=2)
_PATIENCE_S: Final = 30
_PAUSE_S: Final = 0.25
_COUNTRIES: Final = {"EUR": "DE", "GBP": "GB", "USD": "US", "BRL": "BR", "JPY": "JP"}


def tell_paid_story(
    http: httpx.Client, narrator: Narrator, customer: ApiClient, boss: ApiClient, barber: NearbyBarber
) -> None:
    """Tell the story, or say that payments are off. The terms of the barber are as before in the end."""
    stripe = find_local_stripe(http)
    if stripe is None:
        narrator.chapter("Payments are off, or go to Stripe itself")
        narrator.say("The paid part of the demo needs the local Stripe of `grome run`, and is left out")
        return
    before = boss.request("GET", f"/v1/barbers/{barber.id}", BarberOut).terms
    with httpx.Client(base_url=stripe.url, timeout=15) as at_stripe:
        at_stripe.event_hooks = {"response": [narrator.log_response]}
        app = CardApp(customer, at_stripe, stripe.publishable_key)
        try:
            _PaidStory(narrator, customer, boss, barber, app).tell(at_stripe)
        finally:
            boss.request("PUT", "/v1/barbers/me/terms", BarberOut, body=_terms_in(before.cancellation, before.deposit))
    _show_ledger(http, narrator)


class _PaidStory:
    """The chapters of the story, one method each."""

    def __init__(
        self, narrator: Narrator, customer: ApiClient, boss: ApiClient, barber: NearbyBarber, app: CardApp
    ) -> None:
        self._narrator, self._customer, self._boss, self._barber, self._app = narrator, customer, boss, barber, app
        self._zone = ZoneInfo("UTC")

    def tell(self, at_stripe: httpx.Client) -> None:
        self._set_terms()
        visit = self._pay_visit()
        self._show_balance(visit)
        self._open_payout_account(at_stripe, visit.currency)
        self._show_payouts()
        self._refund()
        self._charge_late_cancellation()

    def _set_terms(self) -> None:
        self._narrator.chapter("The barber asks for a deposit, and for a fee after a late cancellation")
        policy = CancellationPolicy(_NOTICE_MIN, _NOTICE_MIN, _LATE_REFUND_PERCENT)
        terms = _terms_in(policy, DepositRule(percent=_DEPOSIT_PERCENT))
        read = self._boss.request("PUT", "/v1/barbers/me/terms", BarberOut, body=terms)
        self._zone = ZoneInfo(read.timezone)
        expect(read.terms.deposit.percent == _DEPOSIT_PERCENT, "the terms do not have the deposit")
        self._narrator.say(
            f"{_DEPOSIT_PERCENT} % is due at booking; a late cancellation costs {100 - _LATE_REFUND_PERCENT} %"
        )

    def _pay_visit(self) -> BookingOut:
        booking = self._book("The customer books again")
        self._pay_deposit_securely(booking)
        self._come_now(booking)
        visit = self._authorize(booking)
        self._narrator.chapter("The barber does the work, and the money is taken")
        for action in (Action.START, Action.COMPLETE):
            self._narrator.say(f"{action}: {apply_action(self._boss, booking.id, action).status}")
        captured = self._app.await_state(visit.id, PaymentState.PAID)
        expect(captured.received == visit.amount, "the captured amount is not the authorized amount")
        self._narrator.say(f"The job worker has captured {_money_of(captured)}")
        self._tip(booking)
        return booking

    def _book(self, chapter: str) -> BookingOut:
        self._narrator.chapter(chapter)
        offer = self._barber.services[0]
        days = list_free_slots(self._customer, self._barber.id, offer.service_id).days
        after = datetime.now(UTC) + _SOONEST
        start = next((slot.start for day in days for slot in day.slots if slot.start > after), None)
        if start is None:
            raise BrokenPromise(f"{self._barber.name} has no free time left in the coming days; choose another --city.")
        wanted = BookingIn(self._barber.id, [offer.service_id], start)
        made = self._customer.request(
            "POST", "/v1/bookings", BookingOut, status=201, body=wanted, idempotency_key=str(uuid4())
        )
        expect(made.payment.deposit > 0 and made.payment.pay_by is not None, "no deposit is due by a deadline")
        deposit, deadline = format_price(made.payment.deposit, made.currency), made.payment.pay_by or made.created_at
        self._narrator.say(f"{format_time(made.scheduled_at, self._zone)}, {format_price(made.price, made.currency)}")
        self._narrator.say(f"A deposit of {deposit} is due by {format_time(deadline, self._zone)}, or the time is free")
        return made

    def _pay_deposit_securely(self, booking: BookingOut) -> None:
        self._narrator.chapter("The customer pays the deposit, and the bank asks for 3-D Secure")
        started, status = self._app.start(booking, PaymentIn("deposit"), SECURE_CARD)
        expect(status == "requires_action", f"Stripe says {status}, and the bank asks for nothing")
        self._narrator.say(f"Stripe: {status}")
        self._narrator.say(f"The customer approves; Stripe: {self._app.authenticate(started)}")
        paid = self._app.refresh(started.id)
        expect(paid.status is PaymentState.PAID, f"the deposit is {paid.status}")
        expect(paid.received == booking.payment.deposit, "another amount than the deposit was received")
        read = self._read(booking)
        expect((read.payment.paid, read.payment.pay_by) == (paid.received, None), "the booking waits for its deposit")
        self._narrator.say(f"Grome has received {_money_of(paid)}, and holds it until the visit is over")

    def _come_now(self, booking: BookingOut) -> None:
        self._narrator.chapter("The barber accepts, and both agree on a time today")
        for action in accept_actions(self._read(booking)):
            self._narrator.say(f"{action}: {apply_action(self._boss, booking.id, action).status}")
        start = propose_now(self._boss, booking)
        agree(self._customer, booking, start)
        self._narrator.say(f"The visit is at {format_time(start, self._zone)}; its deposit stays paid")

    def _authorize(self, booking: BookingOut) -> PaymentOut:
        self._narrator.chapter("The customer pays the rest")
        visit = self._app.pay(booking, PaymentIn("visit"), PaymentState.AUTHORIZED)
        expect(visit.amount == booking.price - booking.payment.deposit, "the rest is not the price less the deposit")
        self._narrator.say(f"{_money_of(visit)} is authorized, and is taken after the visit")
        return visit

    def _tip(self, booking: BookingOut) -> None:
        self._narrator.chapter("The customer gives a tip")
        tip = self._app.pay(booking, PaymentIn("tip", booking.price // 10), PaymentState.PAID)
        read = self._await_paid(booking, tip.received)
        self._narrator.say(f"Paid: {format_price(read.paid, read.currency)} and a tip of {_money_of(tip)}")

    def _await_paid(self, booking: BookingOut, tip: int) -> Payment:
        """Wait until a worker has brought the captured price and the tip to the booking. Raises BrokenPromise."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            payment = self._read(booking).payment
            if (payment.paid, payment.tip_paid) == (booking.price, tip):
                return payment
            expect(time.monotonic() < deadline, "the booking does not tell what was paid")
            time.sleep(_PAUSE_S)

    def _show_balance(self, booking: BookingOut) -> None:
        self._narrator.chapter("The barber reads the statement")
        self._show_statement(booking, booking.price + booking.price // 10)
        balances = self._boss.request("GET", "/v1/barbers/me/balance", BarberBalanceList).items
        for each in balances:
            amounts = ", ".join(
                f"{name} {format_price(amount, each.currency)}"
                for name, amount in (("available", each.available), ("pending", each.pending), ("held", each.held))
            )
            self._narrator.say(f"Balance: {amounts}")
        expect(any(each.available + each.pending > 0 for each in balances), "the barber has earned nothing")

    def _show_statement(self, booking: BookingOut, total: int) -> None:
        """Print the barber's lines about a booking, once they and the commission add up to `total`."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            page = self._boss.request("GET", "/v1/barbers/me/ledger", StatementPage, params={"limit": 20})
            lines = [line for line in reversed(page.items) if line.booking_id == booking.id]
            if sum(line.amount + line.commission for line in lines) == total:
                break
            expect(time.monotonic() < deadline, "the statement does not add up to the money of the booking")
            time.sleep(_PAUSE_S)
        rows = [("entry", "commission", "to the barber")]
        rows += [
            (line.type.value, format_price(line.commission, line.currency), format_price(line.amount, line.currency))
            for line in lines
        ]
        self._narrator.show_table(rows)

    def _open_payout_account(self, at_stripe: httpx.Client, currency: str) -> None:
        self._narrator.chapter("The barber opens an account for payouts at Stripe")
        if self._onboarding().status == "active":
            self._narrator.say("It is open since an earlier demo")
            return
        country = _COUNTRIES.get(currency)
        if country is None:
            self._narrator.say(f"The demo knows no country for {currency}, so this chapter is left out")
            return
        link = self._boss.request("POST", "/v1/barbers/me/onboarding", OnboardingLink, body=OnboardingIn(country))
        reply = at_stripe.post(link.url, data={"outcome": "complete"})
        expect(reply.status_code == HTTPStatus.SEE_OTHER, f"Stripe's form answers {reply.status_code}")
        deadline = time.monotonic() + _PATIENCE_S
        while (state := self._onboarding()).status != "active":
            expect(time.monotonic() < deadline, f"the payout account is {state.status}")
            time.sleep(_PAUSE_S)
        expect(state.payouts_allowed, "payouts are not allowed")
        self._narrator.say(f"Stripe's form is filled in; the account is {state.status}, in {state.country}")

    def _onboarding(self) -> OnboardingState:
        return self._boss.request("GET", "/v1/barbers/me/onboarding", OnboardingState)

    def _show_payouts(self) -> None:
        self._narrator.chapter("The barber looks for payouts")
        payouts = self._boss.request("GET", "/v1/barbers/me/payouts", PayoutPage).items
        for payout in payouts:
            amount = format_price(payout.amount, payout.currency)
            self._narrator.say(f"{payout.period}  {amount}  {payout.status}")
        if not payouts:
            self._narrator.say("None yet: money is paid out some time after the visit, in the next period")
        for each in self._boss.request("GET", "/v1/barbers/me/balance", BarberBalanceList).items:
            coming = format_price(each.available + each.pending, each.currency)
            self._narrator.say(f"{coming} waits for the next payout")

    def _refund(self) -> None:
        booking = self._book("The customer books another visit")
        deposit = self._app.pay(booking, PaymentIn("deposit"), PaymentState.PAID)
        self._narrator.chapter("The barber cancels it, and the customer gets all money back")
        ended = self._cancel(self._boss, booking, CancelIn())
        expect(ended.settlement is not None and ended.settlement.fee == 0, "the customer has to pay a fee")
        refunded = self._app.await_state(deposit.id, PaymentState.REFUNDED)
        expect(refunded.refunded == deposit.received, "only a part is refunded")
        self._narrator.say(f"Refunded: {format_price(refunded.refunded, refunded.currency)} of {_money_of(deposit)}")

    def _charge_late_cancellation(self) -> None:
        booking = self._book("The customer books a third visit, and pays it")
        deposit = self._app.pay(booking, PaymentIn("deposit"), PaymentState.PAID)
        visit = self._app.pay(booking, PaymentIn("visit"), PaymentState.AUTHORIZED)
        for action in accept_actions(self._read(booking)):
            apply_action(self._boss, booking.id, action)
        self._narrator.chapter("The customer cancels too late")
        preview = self._customer.request("GET", f"/v1/bookings/{booking.id}/cancellation", CancellationOut)
        self._narrator.say(f"The preview says: the fee is {format_price(preview.fee, preview.currency)}")
        ended = self._cancel(self._customer, booking, CancelIn(expected_fee=preview.fee))
        fee = ended.settlement.fee if ended.settlement else 0
        expect(0 < fee == preview.fee < booking.price, "the fee is not as previewed")
        taken = self._app.await_state(visit.id, PaymentState.PAID)
        expect(deposit.received + taken.received == fee, "other money than the fee was kept")
        kept = format_price(taken.received, taken.currency)
        self._narrator.say(f"Kept: the deposit of {_money_of(deposit)} and {kept} of the {_money_of(visit)} authorized")
        self._show_statement(booking, fee)
        self._narrator.say("A no-show is charged alike; it can be recorded some time after the start, not in this demo")

    def _cancel(self, visitor: ApiClient, booking: BookingOut, wanted: CancelIn) -> BookingOut:
        ended = visitor.request("POST", f"/v1/bookings/{booking.id}/cancel", BookingOut, body=wanted)
        expect(ended.status is Status.CANCELLED, f"the booking is {ended.status}")
        return ended

    def _read(self, booking: BookingOut) -> BookingOut:
        return self._customer.request("GET", f"/v1/bookings/{booking.id}", BookingOut)


def _show_ledger(http: httpx.Client, narrator: Narrator) -> None:
    narrator.chapter("An admin reads the ledger")
    login = Login(email=ADMIN_EMAIL, password=DEMO_PASSWORD)
    admin = ApiClient(http, ApiClient(http).request("POST", "/v1/auth/login", SignedIn, body=login).access_token)
    sums = admin.request("GET", "/v1/admin/ledger/balances", AccountBalancePage, params={"limit": 100}).items
    currencies = {each.currency for each in sums}
    for currency in currencies:
        total = sum(each.amount for each in sums if each.currency == currency)
        expect(total == 0, f"the ledger adds up to {total} in {currency}, not to 0")
    rows = [("account", "debit, or credit if negative")]
    narrator.show_table(rows + [(each.account, format_price(each.amount, each.currency)) for each in sums])
    narrator.say(f"All accounts add up to 0 in {', '.join(sorted(currencies))}")


def _terms_in(policy: CancellationPolicy, deposit: DepositRule) -> TermsIn:
    return TermsIn(
        CancellationIn(
            policy.cancel_notice_min,
            policy.reschedule_notice_min,
            policy.late_refund_percent,
            policy.no_show_refund_percent,
        ),
        deposit,
    )


def _money_of(payment: PaymentOut) -> str:
    return format_price(payment.amount, payment.currency)
