"""Test the rules of deposits, without I/O."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.barbers.models import DepositReason, DepositRule, DepositRules, RiskDeposit, ServiceDeposit
from grome.bookings.deposits import ClientHistory, Deposit, calculate_deposit, make_chargeable
from grome.common.ids import new_id
from grome.infrastructure.stripe.units import charge_step, minimum_charge
from grome.promos.models import PricedVisit

CUT, COLOUR = new_id(), new_id()
VISIT = PricedVisit(new_id(), [(CUT, 3000), (COLOUR, 7000)], "EUR")
NO_RULE, HALF = DepositRule(), DepositRule(percent=50)
KNOWN, NEW = ClientHistory(), ClientHistory(is_new=True)


def deposit(rule: DepositRule, rules: DepositRules, client: ClientHistory = KNOWN, price: int = 10_000) -> Deposit:
    amount, reasons = calculate_deposit(rule, rules, VISIT, price, client)
    return Deposit(amount, list(reasons))


def test_deposit_without_rules_follows_the_terms() -> None:
    assert deposit(NO_RULE, DepositRules()) == Deposit(0, [])
    assert deposit(HALF, DepositRules()) == Deposit(5000, [DepositReason.TERMS])
    assert deposit(DepositRule(least=20_000), DepositRules()) == Deposit(10_000, [DepositReason.TERMS])


def test_service_with_a_rule_of_its_own_is_exempt_from_the_terms() -> None:
    rules = DepositRules(services=[ServiceDeposit(COLOUR, percent=100)])
    assert deposit(NO_RULE, rules) == Deposit(7000, [DepositReason.SERVICE])
    assert deposit(HALF, rules) == Deposit(8500, [DepositReason.SERVICE, DepositReason.TERMS])
    assert deposit(NO_RULE, rules, price=5000) == Deposit(3500, [DepositReason.SERVICE])


@pytest.mark.parametrize(
    ("risk", "client", "reason"),
    [
        (RiskDeposit(new_client=True, percent=80), NEW, DepositReason.NEW_CLIENT),
        (RiskDeposit(no_shows=2, percent=80), ClientHistory(no_shows=2), DepositReason.NO_SHOWS),
        (RiskDeposit(no_shows_anywhere=2, percent=80), ClientHistory(no_shows_anywhere=2), DepositReason.NO_SHOWS),
        (RiskDeposit(price_from=10_000, percent=80), ClientHistory(), DepositReason.HIGH_PRICE),
    ],
)
def test_deposit_by_risk_is_due_if_its_condition_holds(
    risk: RiskDeposit, client: ClientHistory, reason: DepositReason
) -> None:
    rules = DepositRules(risks=[risk])
    assert deposit(HALF, rules, client) == Deposit(8000, [reason])
    assert deposit(HALF, rules, ClientHistory(no_shows=1, no_shows_anywhere=1), price=9999).amount == 5000


def test_highest_deposit_wins_and_all_conditions_of_a_rule_must_hold() -> None:
    both = RiskDeposit(new_client=True, no_shows_anywhere=1, percent=100)
    rules = DepositRules(risks=[RiskDeposit(new_client=True, least=6000), both])
    assert deposit(HALF, rules, NEW) == Deposit(6000, [DepositReason.NEW_CLIENT])
    risky = ClientHistory(is_new=True, no_shows_anywhere=1)
    assert deposit(HALF, rules, risky) == Deposit(10_000, [DepositReason.NEW_CLIENT, DepositReason.NO_SHOWS])


def test_history_is_needed_only_by_rules_about_it() -> None:
    assert not DepositRules(risks=[RiskDeposit(price_from=1, percent=1)]).need_client_history
    for risk in (RiskDeposit(new_client=True), RiskDeposit(no_shows=1), RiskDeposit(no_shows_anywhere=1)):
        assert DepositRules(risks=[risk]).need_client_history


def test_small_deposit_is_raised_and_says_so() -> None:
    raised = make_chargeable(Deposit(10, [DepositReason.TERMS]), 3000, "EUR")
    assert raised == Deposit(50, [DepositReason.TERMS, DepositReason.LEAST_CHARGE])
    assert make_chargeable(Deposit(10, [DepositReason.TERMS]), 49, "EUR") == Deposit(0)
    assert make_chargeable(Deposit(2980), 3000, "EUR").amount == 3000


@given(
    st.sampled_from(["EUR", "JPY", "KWD", "HUF", "ISK", "UGX", "MGA", "USD"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_chargeable_deposit_and_the_rest_can_both_be_charged(currency: str, amount: int, price: int) -> None:
    charged = make_chargeable(Deposit(min(amount, price)), price, currency).amount
    step, least = charge_step(currency), minimum_charge(currency)
    assert charged % step == 0
    assert charged <= price
    assert charged == 0 or charged >= least
    rest = (price - charged) // step * step
    assert charged == 0 or rest == 0 or rest >= least
