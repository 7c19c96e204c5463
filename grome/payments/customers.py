"""Keep the customer's object at Stripe, and the cards on file."""

import re
from typing import Final
from uuid import UUID

from grome.accounts.service import AccountService
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_hex_id
from grome.infrastructure.stripe.customers import StripeCustomers
from grome.infrastructure.stripe.errors import StripeRejectedError
from grome.infrastructure.stripe.models import StripeCard
from grome.infrastructure.stripe.payments import StripePayments
from grome.payments.models import Mode, Payment, PaymentState, StripeCustomer
from grome.payments.repository import PaymentRepository
from grome.payments.schemas import CardOut, CardPage, CardSetupOut, PaymentStarted, card_out

_CONFIRMABLE: Final = frozenset({PaymentState.NEEDS_METHOD, PaymentState.REQUIRES_ACTION, PaymentState.FAILED})
_CARD_ID: Final = re.compile(r"[A-Za-z0-9_]{3,100}")
_KEY_S: Final = 60


class Cards:
    """Lists, adds and removes the cards of a customer, and gives apps the values to confirm payments with.

    Cards and client secrets are stored at Stripe only.
    """

    def __init__(
        self,
        payments: PaymentRepository,
        customers: StripeCustomers,
        intents: StripePayments,
        accounts: AccountService,
        publishable_key: str,
        clock: Clock,
    ) -> None:
        self._payments, self._stripe, self._intents, self._accounts = payments, customers, intents, accounts
        self._publishable_key, self._clock = publishable_key, clock

    async def get_customer(self, user_id: UUID) -> StripeCustomer:
        """Return the customer at Stripe, made at the first call.

        Calls within a minute have one key. Stripe repeats a stored 500 for a key, so that later calls have another; a
        customer that is made twice costs nothing, and only the stored customer is used.
        """
        known = await self._payments.find_customer(user_id)
        if known:
            return known
        person = await self._accounts.find(user_id)
        if person is None:
            raise NotFound
        key = f"grome:customer:{user_id}:{int(self._clock().timestamp()) // _KEY_S}"
        stripe_id = await self._stripe.create_customer(key, user_id=user_id, name=person.name, email=person.email)
        await self._payments.insert_customer(StripeCustomer(id=user_id, stripe_id=stripe_id, created_at=self._clock()))
        return await self.get_customer(user_id)

    async def list_cards(self, actor: Actor) -> CardPage:
        customer = await self._payments.find_customer(actor.id)
        if customer is None:
            return CardPage([])
        cards = await self._stripe.list_cards(customer.stripe_id)
        return CardPage([card_out(card, is_default=card.id == _default_of(customer, cards)) for card in cards])

    async def set_up(self, actor: Actor, key: str | None) -> CardSetupOut:
        """Prepare the saving of a card in the app; the same `key` returns the same set-up."""
        customer, key = await self.get_customer(actor.id), key or new_hex_id()
        setup = await self._stripe.create_setup(
            f"grome:card:{actor.id}:{key}", customer.stripe_id, {"user_id": str(actor.id)}
        )
        return CardSetupOut(setup.client_secret, self._publishable_key, customer.stripe_id)

    async def choose_default(self, actor: Actor, card_id: str) -> CardOut:
        """Make a card the default for charges while the customer is away. Raises NotFound."""
        _, card = await self._find(actor, card_id)
        await self._payments.set_default_card(actor.id, card.id)
        return card_out(card, is_default=True)

    async def remove(self, actor: Actor, card_id: str) -> None:
        """Remove a card. Raises NotFound. A booked visit that needs a card asks for another card."""
        customer, card = await self._find(actor, card_id)
        await self._stripe.detach_card(f"grome:detach:{card.id}", card.id)
        if customer.default_card == card.id:
            await self._payments.set_default_card(actor.id, None)

    async def forget_customer(self, user_id: UUID) -> None:
        """Delete the customer at Stripe with the cards, if there is one. A repeat is harmless."""
        if customer := await self._payments.find_customer(user_id):
            try:
                await self._stripe.delete_customer(customer.stripe_id)
            except StripeRejectedError as error:
                if error.code != "resource_missing":  # it was deleted before
                    raise

    async def confirmation_of(self, payment: Payment) -> PaymentStarted:
        """Return the payment with the values that the app needs to confirm it.

        Raises StripeUnsureError.
        """
        secret = session = None
        if payment.state in _CONFIRMABLE:
            if payment.intent_id:
                secret = (await self._intents.get_intent(payment.intent_id)).client_secret
            elif payment.setup_id:
                secret = (await self._stripe.get_setup(payment.setup_id)).client_secret
        if secret:
            session = await self._stripe.create_session(f"grome:session:{new_hex_id()}", payment.stripe_customer)
        return PaymentStarted(
            id=payment.id,
            purpose=payment.purpose,
            status=payment.state,
            amount=payment.amount,
            currency=payment.currency,
            kind="setup" if payment.mode is Mode.SAVE_CARD and not payment.intent_id else "payment",
            client_secret=secret,
            publishable_key=self._publishable_key,
            customer=payment.stripe_customer,
            customer_session=session,
            pay_by=payment.pay_by,
            failure=payment.failure,
        )

    async def _find(self, actor: Actor, card_id: str) -> tuple[StripeCustomer, StripeCard]:
        """Find a card of the actor. Raises NotFound."""
        customer = await self._payments.find_customer(actor.id)
        if customer is None or not _CARD_ID.fullmatch(card_id):
            raise NotFound
        try:
            card = await self._stripe.get_card(card_id)
        except StripeRejectedError:
            raise NotFound from None
        if card.customer_id != customer.stripe_id:
            raise NotFound
        return customer, card


def _default_of(customer: StripeCustomer, cards: list[StripeCard]) -> str | None:
    """Return the chosen card, or the newest card if none was chosen."""
    ids = [card.id for card in cards]
    return customer.default_card if customer.default_card in ids else next(iter(ids), None)
