"""Decide the amount of a payout."""

from grome.common.money import MOST_AMOUNT
from grome.ledger.payables import Payable
from grome.payouts.models import PayoutSums


def amount_to_pay(payable: Payable, minimum: int, step: int) -> tuple[int, PayoutSums]:
    """Return the amount, 0 for no payout, and the sums that explain it.

    The amount is a multiple of `step`, the smallest unit that Stripe pays out. Less than `minimum` is carried over, as
    is a negative balance.
    """
    available = payable.available
    amount = min(available, MOST_AMOUNT) // step * step
    if amount < minimum or amount <= 0:
        amount = 0
    return amount, PayoutSums(payable.balance, payable.on_hold, payable.disputed, available - amount)
