"""Commission and the split of refunds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.ledger.rules import Collected, RefundSplit, commission_on, commission_share, split_refund

AMOUNTS = st.integers(0, 10**9)
RATES = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("amount", "bp", "commission"),
    [(1000, 1500, 150), (5, 1000, 0), (15, 1000, 2), (25, 1000, 2), (333, 1250, 42), (1, 10_000, 1), (99, 0, 0)],
)
def test_commission_on_half_units_rounds_to_the_even_unit(amount: int, bp: int, commission: int) -> None:
    assert commission_on(amount, bp) == commission


@given(st.lists(AMOUNTS, max_size=6), RATES)
def test_commission_share_of_all_parts_adds_up_to_the_commission_on_the_whole(parts: list[int], bp: int) -> None:
    shares = [commission_share(part, bp, before=sum(parts[:index])) for index, part in enumerate(parts)]
    assert sum(shares) == commission_on(sum(parts), bp)
    assert all(0 <= share <= part for share, part in zip(shares, parts, strict=True))


@st.composite
def collected(draw: st.DrawFn) -> Collected:
    received = draw(st.integers(1, 10**7))
    released = draw(st.integers(0, received))
    return Collected(received=received, released=released, commission=commission_on(released, draw(RATES)))


@given(collected(), st.lists(st.tuples(st.integers(0, 10**7), st.booleans()), max_size=8))
def test_split_refund_of_several_refunds_adds_up_to_the_parts_of_a_single_refund(
    paid: Collected, wishes: list[tuple[int, bool]]
) -> None:
    """Some refunds fail afterwards, in any order; the last refund takes the rest."""
    in_force: list[RefundSplit] = []
    for wish, fails in wishes:
        state = _after(paid, in_force)
        split = split_refund(min(wish, state.refundable), state)
        assert min(split.held, split.barber, split.commission) >= 0
        in_force.append(split)
        if fails:
            in_force.pop(wish % len(in_force))
    state = _after(paid, in_force)
    in_force.append(split_refund(state.refundable, state))
    assert _after(paid, in_force).refunded == RefundSplit(
        held=paid.received - paid.released, barber=paid.released - paid.commission, commission=paid.commission
    )


@given(collected(), st.integers(0, 10**7), st.integers(0, 10**7))
def test_split_refund_after_goodwill_takes_no_more_than_each_party_received(
    paid: Collected, goodwill: int, wish: int
) -> None:
    given_away = split_refund(min(goodwill, paid.refundable), paid, goodwill=True)
    held = min(given_away.total, paid.held)
    assert given_away == RefundSplit(held=held, goodwill=given_away.total - held)
    state = _after(paid, [given_away])
    split = split_refund(min(wish, state.refundable), state)
    assert split.total == min(wish, state.refundable)
    assert split.held <= paid.received - paid.released
    assert split.commission <= paid.commission
    assert split.barber <= paid.released - paid.commission


def test_split_refund_of_more_than_is_left_raises() -> None:
    with pytest.raises(ValueError, match="a refund of 101, but 100 is left"):
        split_refund(101, Collected(received=100))


def _after(paid: Collected, splits: list[RefundSplit]) -> Collected:
    refunded = sum(splits, RefundSplit())
    return Collected(received=paid.received, released=paid.released, commission=paid.commission, refunded=refunded)
