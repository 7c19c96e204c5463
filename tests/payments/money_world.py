"""Drive bookings and payments at random against the local Stripe, with lost answers, lost events and kills."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from grome.accounts.models import Device
from grome.accounts.schemas import Register
from grome.accounts.service import AccountService
from grome.barbers.models import CancellationPolicy, DepositRule, Terms
from grome.barbers.schemas import OfferIn, OffersIn, ProfileIn
from grome.barbers.service import BarberService
from grome.bookings.create import BookingCreator
from grome.bookings.jobs import close_overdue, expire_unanswered
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action, Status
from grome.bookings.queries import BookingQueries
from grome.bookings.reschedule import Rescheduler
from grome.bookings.schemas import BookingIn, BookingOut, CancelIn, ProposalAnswerIn, RescheduleIn
from grome.catalogue.schemas import ServiceIn
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor, Role
from grome.common.errors import ApiError
from grome.common.ids import new_id
from grome.infrastructure.stripe.errors import StripeDeclinedError, StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.history import StripeHistory
from grome.infrastructure.stripe.models import StripeNotification
from grome.payments.inbox.service import StripeEventProcessor, StripeInbox
from grome.payments.models import COLLECTED
from grome.payments.queries import PaymentQueries
from grome.payments.refunds import Refunds
from grome.payments.schemas import PaymentIn, RefundIn
from grome.payments.service import PaymentService
from grome.payments.settler import PaymentSettler
from grome.payments.sync import PaymentSync
from grome.payouts.onboarding import PayoutOnboarding
from grome.payouts.planner import PayoutPlanner
from grome.payouts.repository import PayoutAccountRepository, PayoutRepository
from grome.payouts.sender import PayoutSender
from grome.scheduling.models import BookingRules, DayHours, WeeklyHours
from tests.payments.dying import Killed, MortalContainer
from tests.support.stripe import StripeControl

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
# Card numbers of Stripe's test mode, with the weight of each.
CARDS = {
    "4242424242424242": 10,
    "4000000000000002": 2,  # declined
    "4000000000009995": 1,  # insufficient funds
    "4000000000000341": 2,  # attaches, then declines
    "4000002500003155": 2,  # 3-D Secure unless set up
    "4000002760003184": 2,  # 3-D Secure always
    "4000008260003178": 1,  # 3-D Secure, then insufficient funds
    "4000000000000259": 1,  # disputed as fraudulent
    "4000000000002685": 1,  # disputed as not received
    "4000000000005423": 1,  # early fraud warning
    "4000000000007726": 1,  # refund pending, then succeeded
    "4000000000005126": 1,  # refund succeeds, then fails
    "4000000000000077": 4,  # available at once
}
# Most visits are soon, so that many are over within a world.
HOURS_AHEAD = [1, 2, 3, 6, 12, 20, 30, 60, 150, 200]
_EXPECTED = (ApiError, StripeUnsureError, StripeRejectedError, StripeDeclinedError, Killed)
_OPEN_DAY = DayHours(is_available=True, start_time="00:00", end_time="24:00")


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class MoneyWorld:
    """Holds people, bookings and the dice; each action may lose answers or die, and is then forgotten."""

    def __init__(self, grome: MortalContainer, stripe: StripeControl, clock: HandClock, seed: int) -> None:
        self.grome, self.stripe, self.clock, self.dice = grome, stripe, clock, Random(seed)  # noqa: S311
        self.customers: list[Actor] = []
        self.barbers: list[Actor] = []
        self.admin = Actor(new_id(), Role.ADMIN, new_id())
        self.services: list[UUID] = []
        self.bookings: list[UUID] = []
        self.happened: Counter[str] = Counter()
        self.start = START - timedelta(days=1)
        self.pending: list[StripeNotification] = []
        self._seen: set[str] = set()

    # -- The beginning -------------------------------------------------------------------------------------------------

    async def open(self, *, customers: int = 3, currency: str = "EUR") -> None:
        """Register people and open shops; barbers have no account for payouts yet."""
        await self.move_clock(timedelta())
        self.customers = [await self._register(Role.CUSTOMER) for _ in range(customers)]
        self.barbers = [await self._register(Role.BARBER) for _ in range(2)]
        catalogue = self.grome.get(CatalogueService)
        made = await catalogue.create(
            self.admin, ServiceIn(name=f"Cut {self.admin.id}", category="hair", description="A cut.")
        )
        self.services = [made.id]
        for number, barber in enumerate(self.barbers):
            await self._open_shop(barber, currency, auto=number == 0)

    async def _register(self, role: Role) -> Actor:
        wanted = Register(
            email=f"{new_id().hex}@example.com", password="correct horse battery", name="A person", role=role.value
        )
        signed_in = await self.grome.get(AccountService).register(wanted, Device())
        return Actor(signed_in.user.id, role, new_id())

    async def _open_shop(self, barber: Actor, currency: str, *, auto: bool) -> None:
        barbers = self.grome.get(BarberService)
        profile = {"name": "A shop", "location": {"lat": 52.5, "lng": 13.4}, "timezone": "Europe/Berlin"}
        await barbers.put_profile(barber, msgspec.convert({**profile, "currency": currency}, ProfileIn))
        price = self.dice.choice([1_999, 3_333, 4_000])
        offer = {"service_id": str(self.services[0]), "price": price, "duration_min": 30}
        await barbers.put_offers(barber, OffersIn([msgspec.convert(offer, OfferIn)]))
        await barbers.put_hours(barber, WeeklyHours(*[_OPEN_DAY] * 7))
        rules = BookingRules(slot_step_min=5, min_notice_min=0, horizon_days=60, auto_accept=auto)
        await barbers.put_rules(barber, rules)
        policy = CancellationPolicy(cancel_notice_min=24 * 60, late_refund_percent=50, no_show_refund_percent=0)
        await barbers.put_terms(barber, Terms(policy, DepositRule(percent=30)))

    async def onboard(self, barber: Actor) -> None:
        """Open the barber's account for payouts, and complete it."""
        await self.grome.get(PayoutOnboarding).start(barber, None)
        account = await self.grome.get(PayoutAccountRepository).find(barber.id)
        assert account is not None
        await self.stripe.call("POST", f"accounts/{account.stripe_id}", {"outcome": "complete"})
        await self.grome.get(PayoutOnboarding).account_changed(account.stripe_id or "")

    # -- Actions -------------------------------------------------------------------------------------------------------

    async def step(self, *, with_faults: bool = True) -> None:
        """Take one random action; errors that a client could see, and deaths, end it."""
        actions: list[tuple[int, Callable[[], Awaitable[Any]]]] = [
            (8, self.book),
            (10, self.pay),
            (14, self.act),
            (3, self.cancel),
            (2, self.move),
            (2, self.tip),
            (2, self.refund),
            (8, self.deliver_events),
            (8, self.run_jobs),
            (5, self.wait),
            (3, self.pay_out),
        ]
        [action] = self.dice.choices([each for _, each in actions], [weight for weight, _ in actions])
        await self.try_to(action, with_faults=with_faults)

    async def try_to(self, action: Callable[[], Awaitable[Any]], *, with_faults: bool) -> None:
        if with_faults:
            await self._break_something()
        try:
            await action()
            self.happened[action.__name__] += 1
        except _EXPECTED as error:
            self.happened[f"{action.__name__}: {getattr(error, 'code', type(error).__name__)}"] += 1
        finally:
            self.grome.fuse.light(None)

    async def _break_something(self) -> None:
        luck = self.dice.random()
        if luck < 0.25:
            self.grome.fuse.light(self.dice.randrange(14))
        elif luck < 0.45:
            kind = self.dice.choice(["drop_reply_after", "error_500_after", "error_500_before", "conflict_409"])
            await self.stripe.break_calls(kind, "POST", "/v1/*", count=self.dice.choice([1, 4]))
        elif luck < 0.6:
            await self.stripe.end_faults()

    async def book(self) -> None:
        customer, barber = self.dice.choice(self.customers), self.dice.choice(self.barbers)
        booking_id = await self.book_with(customer, barber, self.dice.choice(HOURS_AHEAD))
        if self.dice.random() < 0.9:
            await self._pay(customer, booking_id, "deposit")

    async def book_with(self, customer: Actor, barber: Actor, hours: int) -> UUID:
        """Book a visit that begins after so many hours, on the next full hour."""
        start = (self.clock.now + timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
        wanted = BookingIn(barber_id=barber.id, service_ids=self.services, scheduled_at=start)
        made = await self.grome.get(BookingCreator).create(customer, wanted, None)
        booking = made if isinstance(made, BookingOut) else msgspec.json.decode(made, type=BookingOut)
        self.bookings.append(booking.id)
        return booking.id

    async def pay_with(self, customer: Actor, booking_id: UUID, purpose: str, card: str | None) -> None:
        """Start a payment and confirm it with the card; without a card it stays unpaid."""
        amount = 700 if purpose == "tip" else None
        started = await self.grome.get(PaymentService).start(customer, booking_id, PaymentIn(purpose, amount))
        if started.client_secret and card:
            await self.stripe.pay(started.client_secret.partition("_secret")[0], card)
            await self.grome.get(PaymentSync).look(started.id)

    async def pay(self) -> None:
        booking_id = self.dice.choice(self.bookings)
        purpose = self.dice.choice(["deposit", "visit", "visit", "tip"])
        await self._pay(await self.customer_of(booking_id), booking_id, purpose)

    async def _pay(self, customer: Actor, booking_id: UUID, purpose: str) -> None:
        amount = self.dice.randrange(100, 900) if purpose == "tip" else None
        started = await self.grome.get(PaymentService).start(customer, booking_id, PaymentIn(purpose, amount))
        if started.client_secret is None:
            return
        object_id = started.client_secret.partition("_secret")[0]
        [number] = self.dice.choices(list(CARDS), list(CARDS.values()))
        outcome = await self.stripe.pay(object_id, number)
        if outcome.get("status") == "requires_action":
            await self.stripe.authenticate(object_id, succeed=self.dice.random() < 0.8)
        if self.dice.random() < 0.5:
            await self.grome.get(PaymentSync).refresh(customer, started.id)

    async def act(self) -> None:
        """Let a barber take the next action of a booking."""
        booking = await self.booking(self.dice.choice(self.bookings))
        barber = Actor(booking.barber_id, Role.BARBER, new_id())
        action = {
            Status.REQUESTED: Action.ACCEPT,
            Status.ACCEPTED: self.dice.choice([Action.START, Action.START, Action.NO_SHOW]),
            Status.IN_PROGRESS: Action.COMPLETE,
        }.get(booking.status)
        if action in {Action.START, Action.NO_SHOW} and self.clock.now < booking.scheduled_at + timedelta(minutes=6):
            return
        if action:
            await self.grome.get(BookingLifecycle).apply_action(barber, booking.id, action)

    async def cancel(self) -> None:
        booking = await self.booking(self.dice.choice(self.bookings))
        by = await self.customer_of(booking.id)
        if self.dice.random() < 0.3:
            by = Actor(booking.barber_id, Role.BARBER, new_id())
        await self.grome.get(BookingLifecycle).cancel(by, booking.id, CancelIn())

    async def move(self) -> None:
        """Let a barber move a visit; an accepted visit then awaits the answer of its customer."""
        booking = await self.booking(self.dice.choice(self.bookings))
        barber = Actor(booking.barber_id, Role.BARBER, new_id())
        start = (self.clock.now + timedelta(hours=self.dice.randrange(2, 200))).replace(minute=30, second=0)
        rescheduler = self.grome.get(Rescheduler)
        await rescheduler.reschedule(barber, booking.id, RescheduleIn(start))
        if self.dice.random() < 0.7:
            await rescheduler.accept(await self.customer_of(booking.id), booking.id, ProposalAnswerIn())

    async def tip(self) -> None:
        booking_id = self.dice.choice(self.bookings)
        await self._pay(await self.customer_of(booking_id), booking_id, "tip")

    async def refund(self) -> None:
        payments = await self.grome.get(PaymentQueries).list_for_booking(self.dice.choice(self.bookings))
        collected = [payment for payment in payments if payment.state in COLLECTED and payment.kept]
        if collected:
            payment = self.dice.choice(collected)
            wanted = RefundIn(
                self.dice.randrange(1, payment.kept + 1), "The customer complained.", self.dice.random() < 0.3
            )
            await self.grome.get(Refunds).refund(self.admin, payment.id, wanted, f"key-{self.dice.random()}")

    async def wait(self) -> None:
        await self.move_clock(timedelta(minutes=self.dice.choice([5, 20, 60, 6 * 60, 24 * 60])))

    async def move_clock(self, by: timedelta) -> None:
        self.clock.now += by
        await self.stripe.call("POST", "clock", {"now": self.clock.now.timestamp()})

    # -- Effects -------------------------------------------------------------------------------------------------------

    async def deliver_events(self) -> None:
        """Deliver some events of Stripe in any order: dropped, doubled and shuffled."""
        await self.fetch_events()
        self.dice.shuffle(self.pending)
        for _ in range(min(len(self.pending), 6)):
            event = self.pending[-1] if self.dice.random() < 0.2 else self.pending.pop()
            if self.dice.random() < 0.8:
                await self.handle(event)

    async def handle(self, event: StripeNotification) -> None:
        await self.grome.get(StripeInbox).add(event)
        await self.grome.get(StripeEventProcessor).process(event.id)

    async def pay_out(self) -> None:
        """Decide the payouts that are due, and transfer the open payouts."""
        await self.grome.get(PayoutPlanner).plan()
        for payout in await self.grome.get(PayoutRepository).list_open(None, 100):
            await self.grome.get(PayoutSender).send(payout if isinstance(payout, UUID) else payout.id)

    async def fetch_events(self) -> None:
        async for event in self.grome.get(StripeHistory).list_events(self.start):
            if event.id not in self._seen:
                self._seen.add(event.id)
                self.pending.append(event)

    async def run_jobs(self) -> None:
        """Run jobs of the workers: expiries, and the settlement of some bookings."""
        saq = {"container": self.grome}
        await expire_unanswered(saq)
        await close_overdue(saq)
        for booking_id in self.dice.sample(self.bookings, min(4, len(self.bookings))):
            await self.grome.get(PaymentSettler).settle(booking_id)

    async def settle_all(self) -> None:
        """Do everything that reconciliation does, without faults, until nothing changes."""
        self.grome.fuse.light(None)
        await self.stripe.end_faults()
        for _ in range(4):
            await self.move_clock(timedelta(days=1))
            await self.fetch_events()
            pending, self.pending = self.pending, []
            for event in pending:
                await self.handle(event)
            saq = {"container": self.grome}
            await expire_unanswered(saq)
            await close_overdue(saq)
            for booking_id in self.bookings:
                for payment in await self.grome.get(PaymentQueries).list_for_booking(booking_id):
                    await self.grome.get(PaymentSync).look(payment.id)
                await self.grome.get(PaymentSettler).settle(booking_id)
            await self.pay_out()

    async def count(self) -> dict[str, int]:
        """Count the bookings, payments, refunds, payouts and kills of this world."""
        counted: Counter[str] = Counter({"bookings": len(self.bookings), "kills": self.grome.fuse.kills})
        for booking_id in self.bookings:
            for payment in await self.grome.get(PaymentQueries).list_for_booking(booking_id):
                counted["payments"] += 1
                counted["collected payments"] += payment.state in COLLECTED
                counted["refunds"] += len(payment.refunds)
                counted["disputes"] += payment.dispute is not None
        counted["payouts"] = await self.grome.database["payouts"].count_documents({"transfer_id": {"$ne": None}})
        counted["ledger entries"] = await self.grome.database["ledger_entries"].count_documents({})
        counted["calls answered by a fault"] = len(
            [call for call in (await self.stripe.call("GET", "calls"))["calls"] if call.get("fault")]
        )
        return dict(counted)

    # -- Reading -------------------------------------------------------------------------------------------------------

    async def booking(self, booking_id: UUID) -> Any:
        return (await self.grome.get(BookingQueries).find_many([booking_id]))[booking_id]

    async def customer_of(self, booking_id: UUID) -> Actor:
        booking = await self.booking(booking_id)
        return Actor(booking.customer_id, Role.CUSTOMER, new_id())
