"""Open barbers' payout accounts at Stripe, and keep our copy of their state."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from grome.accounts.service import AccountService
from grome.barbers.models import Barber
from grome.barbers.service import BarberService
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Invalid, TooManyRequests, Unavailable
from grome.common.ids import new_id
from grome.common.money import currencies_of
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.stripe.connect import StripeConnect
from grome.infrastructure.stripe.errors import StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.models import StripeAccount
from grome.infrastructure.stripe.requests import NewAccount
from grome.payouts.account_states import onboarding_state, status_of
from grome.payouts.errors import CurrencyMismatch, TooManyAccounts
from grome.payouts.models import (
    MAX_FORMER_ACCOUNTS,
    MAX_REQUIREMENTS,
    TRANSFERS_ACTIVE,
    AccountEntry,
    FormerAccount,
    PayoutAccount,
)
from grome.payouts.repository import PayoutAccountRepository
from grome.payouts.schemas import OnboardingLink, OnboardingState

ONBOARDING_BUDGET: Final = Budget("payout onboarding", 30, timedelta(hours=1))
# Each further attempt has met a change by another process.
_ATTEMPTS: Final = 8
# A barber comes back from Stripe's form before the notification does.
_FRESH_FOR: Final = timedelta(seconds=10)
_UNREACHABLE: Final = "Stripe does not respond; try again."

AccountFields = dict[str, Any]
AccountChange = Callable[[PayoutAccount], tuple[AccountFields, AccountEntry | None] | None]


class OnboardingSettings(NamedTuple):
    """The settings of onboarding: the default country, and the prefix of addresses in the app."""

    country: str
    app_base: str


class PayoutOnboarding:
    def __init__(
        self,
        accounts: PayoutAccountRepository,
        connect: StripeConnect,
        barbers: BarberService,
        users: AccountService,
        budgets: Budgets,
        settings: OnboardingSettings,
        clock: Clock,
    ) -> None:
        self._accounts, self._connect, self._barbers, self._users = accounts, connect, barbers, users
        self._budgets, self._settings, self._clock = budgets, settings, clock

    async def start(self, actor: Actor, country: str | None) -> OnboardingLink:
        """Return a link to Stripe's form, after creating the account if there is none for the country.

        Raises NotFound without a profile, CurrencyMismatch, TooManyAccounts, Invalid for the country,
        TooManyRequests, and Unavailable.
        """
        barber = await self._barbers.get(actor.id)
        if wait_s := await self._budgets.take(ONBOARDING_BUDGET, str(actor.id)):
            raise TooManyRequests(wait_s)
        try:
            account = await self._open(barber, country)
            return OnboardingLink(await self._link(account))
        except StripeUnsureError:
            raise Unavailable(_UNREACHABLE) from None

    async def read_state(self, actor: Actor) -> OnboardingState:
        """Return the state of the barber's account, fetched afresh unless it is active or was fetched just now."""
        account = await self._accounts.find(actor.id)
        if account and account.stripe_id and self._is_stale(account):
            try:
                account = await self._refresh(account.id, account.stripe_id)
            except (StripeUnsureError, StripeRejectedError):
                account = await self._accounts.find(actor.id)
        return onboarding_state(account)

    async def account_changed(self, stripe_id: str) -> None:
        """Fetch an account afresh after a notification; former and unknown accounts are ignored.

        Raises StripeUnsureError.
        """
        account = await self._accounts.find_by_stripe_id(stripe_id)
        if account:
            await self._refresh(account.id, stripe_id)

    async def bank_payout_failed(self, stripe_id: str, at: datetime) -> None:
        """Record that a bank refused the money of an account, and tell the barber. The ledger has no part in it."""

        def change(account: PayoutAccount) -> tuple[AccountFields, AccountEntry | None] | None:
            newest = max(filter(None, (account.bank_paid_at, account.bank_failed_at)), default=None)
            if newest and newest >= at:
                return None
            return {"bank_failed_at": at}, self._entry(account, EventType.PAYOUT_BANK_FAILED)

        if account := await self._accounts.find_by_stripe_id(stripe_id):
            await self._change(account.id, change)

    async def bank_payout_paid(self, stripe_id: str, at: datetime) -> None:
        """Record that the bank takes money, so that an earlier refusal is over."""

        def change(account: PayoutAccount) -> tuple[AccountFields, AccountEntry | None] | None:
            if account.bank_paid_at and account.bank_paid_at >= at:
                return None
            is_over = account.bank_failed_at is not None and account.bank_failed_at < at
            return {"bank_paid_at": at, **({"bank_failed_at": None} if is_over else {})}, None

        if account := await self._accounts.find_by_stripe_id(stripe_id):
            await self._change(account.id, change)

    def _is_stale(self, account: PayoutAccount) -> bool:
        if status_of(account) == "active":
            return False
        return account.checked_at is None or self._clock() - account.checked_at > _FRESH_FOR

    async def _open(self, barber: Barber, country: str | None) -> PayoutAccount:
        """Return the account with its id at Stripe; created there once under the key of its number."""
        account = await self._prepare(barber, country)
        if account.stripe_id is None:
            account = await self._create(barber, account)
        else:
            account = await self._refresh(account.id, account.stripe_id)
        if account.currency and account.currency != barber.currency:
            raise _mismatch(barber.currency, account.currency, account.country)
        return account

    async def _prepare(self, barber: Barber, country: str | None) -> PayoutAccount:
        """Store the account to create before Stripe is asked; a closed account, or another country, needs a new one."""
        for _ in range(_ATTEMPTS):
            account = await self._accounts.find(barber.id)
            wanted = country or (account.country if account else self._settings.country)
            allowed = currencies_of(wanted)
            if barber.currency not in allowed:
                raise _mismatch(barber.currency, " or ".join(sorted(allowed)) or "no known currency", wanted)
            now = self._clock()
            if account is None:
                new = PayoutAccount(id=barber.id, country=wanted, created_at=now, updated_at=now)
                if await self._accounts.add(new):
                    return new
            elif account.country == wanted and not account.closed:
                return account
            elif replaced := await self._accounts.update(account, _replaced(account, wanted, now)):
                return replaced
        raise Unavailable("The account keeps changing; try again.")

    async def _create(self, barber: Barber, account: PayoutAccount) -> PayoutAccount:
        user = await self._users.find(barber.id)
        new = NewAccount(
            display_name=barber.display_name,
            email=user.named_email if user else None,
            country=account.country,
            currency=barber.currency,
            metadata={"barber_id": str(barber.id), "number": str(account.number)},
        )
        try:
            made = await self._connect.create_account(account.creation_key, new)
        except StripeRejectedError as error:
            # A final answer: the next request is another one, under another key.
            await self._accounts.update(account, {"number": account.number + 1, "updated_at": self._clock()})
            raise Invalid("country", f"is not accepted by Stripe: {error.message}") from None

        def change(current: PayoutAccount) -> tuple[AccountFields, AccountEntry | None] | None:
            if current.number != account.number or current.stripe_id not in {None, made.id}:
                return None
            return self._fields_of(current, made), self._entry(current, EventType.PAYOUT_ACCOUNT_CHANGED)

        return await self._change(account.id, change)

    async def _refresh(self, barber_id: UUID, stripe_id: str) -> PayoutAccount:
        found = await self._connect.get_account(stripe_id)

        def change(account: PayoutAccount) -> tuple[AccountFields, AccountEntry | None] | None:
            if account.stripe_id != stripe_id:
                return None
            fields = self._fields_of(account, found)
            is_told = status_of(account) != status_of(_with(account, found))
            return fields, self._entry(account, EventType.PAYOUT_ACCOUNT_CHANGED) if is_told else None

        return await self._change(barber_id, change)

    async def _change(self, barber_id: UUID, change: AccountChange) -> PayoutAccount:
        """Apply a change to the account as it is now, again if another process changes it at the same time."""
        for _ in range(_ATTEMPTS):
            account = await self._accounts.find(barber_id)
            if account is None:
                break
            changed = change(account)
            if changed is None:
                return account
            fields, entry = changed
            if stored := await self._accounts.update(account, {**fields, "updated_at": self._clock()}, entry):
                return stored
        raise Unavailable("The account keeps changing; try again.")

    async def _link(self, account: PayoutAccount) -> str:
        assert account.stripe_id is not None  # noqa: S101 -- see `_open`
        kind: Literal["onboarding", "update"] = "update" if account.transfers == TRANSFERS_ACTIVE else "onboarding"
        page = f"{self._settings.app_base}/payouts/onboarding"
        # Every link has a key of its own: a link works once, so that a repeat needs another one.
        return await self._connect.create_link(
            f"grome:link:{new_id()}", account.stripe_id, kind, f"{page}?done=1", f"{page}?again=1"
        )

    def _fields_of(self, account: PayoutAccount, found: StripeAccount) -> AccountFields:
        now = self._clock()
        is_first = found.transfers == TRANSFERS_ACTIVE and account.activated_at is None
        return {
            "stripe_id": found.id,
            "transfers": found.transfers,
            "currency": found.currency,
            "requirements": [to_document(one) for one in found.requirements[:MAX_REQUIREMENTS]],
            "closed": found.closed,
            "checked_at": now,
            **({"activated_at": now} if is_first else {}),
        }

    def _entry(self, account: PayoutAccount, kind: EventType) -> AccountEntry:
        return AccountEntry(id=new_id(), version=account.version + 1, type=kind, at=self._clock())


def _replaced(account: PayoutAccount, country: str, now: datetime) -> AccountFields:
    """Return the fields of an account that is yet to be created, with the account before in the history.

    Raises TooManyAccounts.
    """
    former = list(account.former)
    if account.stripe_id:
        former.append(FormerAccount(account.stripe_id, account.country, now))
    if len(former) > MAX_FORMER_ACCOUNTS:
        raise TooManyAccounts
    return {
        "number": account.number + 1,
        "country": country,
        "stripe_id": None,
        "transfers": "",
        "currency": None,
        "requirements": [],
        "closed": False,
        "checked_at": None,
        "activated_at": None,
        "bank_failed_at": None,
        "bank_paid_at": None,
        "former": [to_document(one) for one in former],
        "updated_at": now,
    }


def _with(account: PayoutAccount, found: StripeAccount) -> PayoutAccount:
    return replace(account, transfers=found.transfers, requirements=found.requirements, closed=found.closed)


def _mismatch(prices: str, paid: str, country: str) -> CurrencyMismatch:
    return CurrencyMismatch(
        f"Your prices are in {prices}, but an account in {country} is paid in {paid}. Change the currency of your "
        f"profile, or name the country of your bank account."
    )
