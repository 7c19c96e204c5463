"""Arithmetic on minor units and minutes that every feature shares: sums with add-ons, percentages, shares. No I/O."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Protocol


class ServiceLine(Protocol):
    """A chosen or booked service together with its add-ons."""

    @property
    def total_price(self) -> int: ...

    @property
    def total_min(self) -> int: ...


def price_of(lines: Iterable[ServiceLine]) -> int:
    """The price of all services with their add-ons, before any discount."""
    return sum(line.total_price for line in lines)


def duration_of(lines: Iterable[ServiceLine]) -> int:
    """The planned minutes of all services with their add-ons."""
    return sum(line.total_min for line in lines)


def percent_of(amount: int, percent: int) -> int:
    """A percentage in minor units; a half is rounded to the even unit, which favours neither side over many visits."""
    return round(Fraction(amount * percent, 100))


def percent_of_ceil(amount: int, percent: int) -> int:
    """A percentage in minor units; any fraction is rounded up."""
    return -(-amount * percent // 100)


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Shares of `amount` in proportion to `weights`, which add up to it exactly.

    Each share is its exact part rounded down; the units that are left over go to the largest remainders, of equal ones
    to the first. With weights of zero only, the first share is all of it. Raises ValueError where there is no weight.
    """
    if not weights:
        raise ValueError("an amount cannot be split into no shares")
    total = sum(weights)
    if total == 0:
        return [amount, *[0] * (len(weights) - 1)]
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(amount * weights[index] % total))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares
