"""Calculate the deposit of a visit, without I/O."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from grome.barbers.models import DepositReason, DepositRule, DepositRules, RiskDeposit, ServiceDeposit
from grome.common.figures import percent_of_ceil, split
from grome.infrastructure.stripe.units import charge_step, floor_to_step, minimum_charge
from grome.promos.models import PricedVisit


class ClientHistory(NamedTuple):
    """Holds the facts about a customer that deposits by risk depend on."""

    is_new: bool = False
    no_shows: int = 0
    no_shows_anywhere: int = 0


class Deposit(NamedTuple):
    """Holds the deposit in minor units, at most the price, and the reasons; none if there is no deposit."""

    amount: int
    reasons: Sequence[DepositReason] = ()


def calculate_deposit(
    rule: DepositRule, rules: DepositRules, visit: PricedVisit, price: int, client: ClientHistory
) -> Deposit:
    """Return the highest deposit by the rules; `price` is the price of the visit less the discount.

    Percentages are rounded up, because a deposit is a security.
    """
    by_risk = [
        Deposit(_part(risk, price), reasons)
        for risk in rules.risks
        if (reasons := _risk_reasons(risk, price, client)) is not None
    ]
    by_service = _by_service(rule, rules.services, visit, price)
    highest = max([by_service, *by_risk], key=lambda each: each.amount)
    amount = min(highest.amount, price)
    return Deposit(amount, highest.reasons if amount else ())


def make_chargeable(deposit: Deposit, price: int, currency: str) -> Deposit:
    """Return the deposit as it can be charged to a card.

    It is rounded up to the granularity of the currency, and raised to the least charge. It becomes the whole price if
    the rest of the price could not be charged; there is no deposit if the price itself cannot be charged.
    """
    step, least = charge_step(currency), minimum_charge(currency)
    whole = floor_to_step(price, step)
    if not deposit.amount or whole < least:
        return Deposit(0)
    amount = min(max(-(-deposit.amount // step) * step, least), whole)
    if 0 < whole - amount < least:
        amount = whole
    is_raised = amount >= deposit.amount + step
    return Deposit(amount, [*deposit.reasons, DepositReason.LEAST_CHARGE] if is_raised else deposit.reasons)


def _by_service(rule: DepositRule, services: Sequence[ServiceDeposit], visit: PricedVisit, price: int) -> Deposit:
    """Add up the deposits of services with rules of their own, and of the others by the terms.

    A discount is split over the services in proportion to their prices.
    """
    own = {each.service_id: each for each in services}
    shares = _net_prices(visit, price)
    parts = [(DepositReason.SERVICE, _part(own[each], share)) for each, share in shares if each in own]
    if others := [share for each, share in shares if each not in own]:
        parts.append((DepositReason.TERMS, _part(rule, sum(others))))
    return Deposit(sum(part for _, part in parts), list(dict.fromkeys(reason for reason, part in parts if part)))


def _net_prices(visit: PricedVisit, price: int) -> list[tuple[UUID, int]]:
    shares = split(price, [each for _, each in visit.services])
    return [(service_id, share) for (service_id, _), share in zip(visit.services, shares, strict=True)]


def _part(rule: DepositRule | ServiceDeposit | RiskDeposit, price: int) -> int:
    return max(percent_of_ceil(price, rule.percent), rule.least)


def _risk_reasons(risk: RiskDeposit, price: int, client: ClientHistory) -> list[DepositReason] | None:
    """Return the reasons by the conditions of the rule; None if one of its conditions does not hold."""
    conditions = [
        (risk.new_client, client.is_new, DepositReason.NEW_CLIENT),
        (risk.no_shows, client.no_shows >= risk.no_shows, DepositReason.NO_SHOWS),
        (risk.no_shows_anywhere, client.no_shows_anywhere >= risk.no_shows_anywhere, DepositReason.NO_SHOWS),
        (risk.price_from, price >= risk.price_from, DepositReason.HIGH_PRICE),
    ]
    wanted = [(holds, reason) for is_set, holds, reason in conditions if is_set]
    if not all(holds for holds, _ in wanted):
        return None
    return list(dict.fromkeys(reason for _, reason in wanted)) or [DepositReason.TERMS]
