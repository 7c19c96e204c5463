"""Serve payouts and onboarding, under `/v1/barbers/me`, and their administration."""

from uuid import UUID

from sanic import Request

from grome.common.actor import ADMINS, BARBERS, Actor
from grome.common.errors import NotFound, TooManyRequests
from grome.infrastructure.http import Routes, resolve
from grome.payments.errors import PaymentsOff
from grome.payouts.balances import BarberBalances
from grome.payouts.errors import CurrencyMismatch, PayoutNotRetryable, TooManyAccounts
from grome.payouts.onboarding import PayoutOnboarding
from grome.payouts.queries import PayoutQueries
from grome.payouts.schemas import (
    AccountOut,
    AdminPayoutQuery,
    BarberBalanceList,
    HoldIn,
    OnboardingIn,
    OnboardingLink,
    OnboardingState,
    PayoutDetails,
    PayoutOut,
    PayoutPage,
    PayoutQuery,
)
from grome.payouts.service import PayoutService

payouts = Routes("payouts", "/v1", about="Money that barbers receive: their account at Stripe, balances and payouts.")

_ONBOARDING = "/barbers/me/onboarding"
_HOLDS = "/admin/barbers/{barber_id}/payouts"


@payouts.post(
    _ONBOARDING,
    who=BARBERS,
    step_up=True,
    second_factor=BARBERS,
    refusals=(NotFound, CurrencyMismatch, TooManyAccounts, TooManyRequests, PaymentsOff),
)
async def start_onboarding(request: Request, actor: Actor, body: OnboardingIn) -> OnboardingLink:
    """Return the address of Stripe's form for your payout account.

    The account is opened by the first call. Call again for a fresh address, or to change your information. The currency
    of your prices must be the currency of the country, or the answer is 409 `payout_currency`. 404 means that you have
    no profile.
    """
    return await resolve(request, PayoutOnboarding).start(actor, body.country)


@payouts.get(_ONBOARDING, who=BARBERS, refusals=(PaymentsOff,))
async def read_onboarding(request: Request, actor: Actor) -> OnboardingState:
    """Return the state of your payout account.

    It names the information that Stripe asks for.
    """
    return await resolve(request, PayoutOnboarding).read_state(actor)


@payouts.get("/barbers/me/balance", who=BARBERS)
async def read_own_balance(request: Request, actor: Actor) -> BarberBalanceList:
    """Return your balance in each currency in which you have earned money."""
    return await resolve(request, BarberBalances).read(actor)


@payouts.get("/barbers/me/payouts", who=BARBERS)
async def list_payouts(request: Request, actor: Actor, query: PayoutQuery) -> PayoutPage:
    """List your payouts, newest first."""
    return await resolve(request, PayoutQueries).list_page(actor, query)


@payouts.get("/barbers/me/payouts/{payout_id}", who=BARBERS, refusals=(NotFound,))
async def read_payout(request: Request, actor: Actor, payout_id: UUID) -> PayoutDetails:
    """Return one of your payouts, with the bookings that it pays."""
    return await resolve(request, PayoutQueries).get(actor, payout_id)


@payouts.get("/admin/payouts", who=ADMINS)
async def list_all_payouts(request: Request, actor: Actor, query: AdminPayoutQuery) -> PayoutPage:
    """List the payouts to all barbers, or to one barber, newest first."""
    return await resolve(request, PayoutQueries).list_page(actor, query)


@payouts.post("/admin/payouts/{payout_id}/retry", who=ADMINS, refusals=(NotFound, PayoutNotRetryable))
async def retry_payout(request: Request, actor: Actor, payout_id: UUID) -> PayoutOut:
    """Try a payout again.

    A payout under way is resumed. The money of a failed or returned payout is paid by a new payout, which is returned;
    a repeat returns the same payout. 409 `payout_not_retryable` means that the payout is sent, or that there is nothing
    to pay.
    """
    return await resolve(request, PayoutService).retry(actor, payout_id)


@payouts.post(f"{_HOLDS}/hold", who=ADMINS, refusals=(NotFound,))
async def hold_payouts(request: Request, actor: Actor, barber_id: UUID, body: HoldIn) -> AccountOut:
    """Stop the payouts to a barber.

    A payout that is decided already is sent all the same. 404 means that the barber has no payout account.
    """
    return await resolve(request, PayoutService).hold(actor, barber_id, body.reason)


@payouts.post(f"{_HOLDS}/release", who=ADMINS, refusals=(NotFound,))
async def release_payouts(request: Request, actor: Actor, barber_id: UUID, body: HoldIn) -> AccountOut:
    """Allow the payouts to a barber again.

    Money of the time of the hold is in the next payout. 404 means that the barber has no payout account, or no hold.
    """
    return await resolve(request, PayoutService).release(actor, barber_id, body.reason)
