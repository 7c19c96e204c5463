"""Commission, and the split of refunds among the parties. Pure functions on minor units."""

from fractions import Fraction

from msgspec import Struct

FULL_BP = 10_000  # 100 % in basis points


def commission_on(amount: int, bp: int) -> int:
    """Return the commission in minor units; a half is rounded to the even unit."""
    return round(Fraction(amount * bp, FULL_BP))


def commission_share(amount: int, bp: int, *, before: int) -> int:
    """Return the commission of a further part of a price, after the parts that add up to `before`.

    The commissions of all parts add up to the commission on the whole.
    """
    return commission_on(before + amount, bp) - commission_on(before, bp)


class RefundSplit(Struct, frozen=True, kw_only=True):
    """The parts of a refund by the account that bears it."""

    held: int = 0
    barber: int = 0
    commission: int = 0
    goodwill: int = 0

    def __add__(self, other: "RefundSplit") -> "RefundSplit":
        return RefundSplit(
            held=self.held + other.held,
            barber=self.barber + other.barber,
            commission=self.commission + other.commission,
            goodwill=self.goodwill + other.goodwill,
        )

    def __neg__(self) -> "RefundSplit":
        return RefundSplit(held=-self.held, barber=-self.barber, commission=-self.commission, goodwill=-self.goodwill)

    @property
    def total(self) -> int:
        return self.held + self.barber + self.commission + self.goodwill


NOTHING_REFUNDED = RefundSplit()


class Collected(Struct, frozen=True, kw_only=True):
    """The state of a payment in the ledger: `received`, the part `released`, the `commission` taken from that part.

    `refunded` is the sum of the refunds and lost disputes in force. A tip is received as released, without commission.
    """

    received: int = 0
    released: int = 0
    commission: int = 0
    refunded: RefundSplit = NOTHING_REFUNDED

    @property
    def held(self) -> int:
        """Return the part that is neither released nor refunded."""
        return self.received - self.released - self.refunded.held

    @property
    def refundable(self) -> int:
        return self.received - self.refunded.total


def split_refund(amount: int, collected: Collected, *, goodwill: bool = False) -> RefundSplit:
    """Split a refund: held money first, then barber and commission in the proportion in which they received it.

    With `goodwill` the platform bears the part that is not held any more. The commission's share is computed of all
    refunds together, less the shares of the earlier refunds: so the parts of several refunds add up to the parts of
    one. Raises ValueError if less than `amount` is left to refund.
    """
    if not 0 <= amount <= collected.refundable:
        raise ValueError(f"a refund of {amount}, but {collected.refundable} is left")
    before = collected.refunded
    held = min(amount, max(collected.held, 0))
    rest = amount - held
    if goodwill:
        return RefundSplit(held=held, goodwill=rest)
    commission_left = collected.commission - before.commission
    barber_left = collected.released - collected.commission - before.barber
    commission = _cumulative_share(before.barber + before.commission + rest, collected) - before.commission
    commission = min(max(commission, rest - barber_left, 0), rest, commission_left)
    return RefundSplit(held=held, barber=rest - commission, commission=commission)


def _cumulative_share(refunded: int, collected: Collected) -> int:
    if not collected.released:
        return 0
    return round(Fraction(collected.commission * refunded, collected.released))
