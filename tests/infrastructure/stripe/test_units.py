"""Amounts go to Stripe and come back exact, in every currency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.common.money import MOST_AMOUNT, currencies_in_use, minor_digits
from grome.infrastructure.stripe.units import (
    SUPPORTED,
    UnitsError,
    charge_step,
    floor_to_step,
    from_stripe,
    minimum_charge,
    payout_step,
    to_stripe,
)

# Currencies that Stripe treats as ISO 4217 does have no line.
SPECIAL = [
    # currency, ISO, Stripe, step of charges, step of payouts
    ("ISK", 500, 50_000, 1, 1),
    ("UGX", 500, 50_000, 1, 1),
    ("MGA", 50_000, 500, 100, 100),
    ("BHD", 5_120, 5_120, 10, 10),
    ("JOD", 5_120, 5_120, 10, 10),
    ("KWD", 5_120, 5_120, 10, 10),
    ("OMR", 5_120, 5_120, 10, 10),
    ("TND", 5_120, 5_120, 10, 10),
    ("HUF", 1_045, 1_045, 1, 100),
    ("TWD", 1_045, 1_045, 1, 100),
    ("JPY", 500, 500, 1, 1),
    ("KRW", 500, 500, 1, 1),
    ("EUR", 1_050, 1_050, 1, 1),
]


@pytest.mark.parametrize(("currency", "iso", "stripe", "step", "payout"), SPECIAL)
def test_special_currency_is_converted_as_stripe_documents(
    currency: str, iso: int, stripe: int, step: int, payout: int
) -> None:
    assert (to_stripe(iso, currency), from_stripe(stripe, currency)) == (stripe, iso)
    assert (charge_step(currency), payout_step(currency)) == (step, payout)


def test_other_currencies_have_the_same_units_on_both_sides() -> None:
    special = {row[0] for row in SPECIAL if row[0] not in {"JPY", "KRW", "EUR"}}
    for currency in currencies_in_use() - special:
        assert (to_stripe(12_340, currency), from_stripe(12_340, currency)) == (12_340, 12_340), currency
        assert (charge_step(currency), payout_step(currency)) == (1, 1), currency


def test_supported_currencies_are_in_use() -> None:
    assert currencies_in_use() >= SUPPORTED


@pytest.mark.parametrize(("amount", "currency"), [(50_050, "MGA"), (5_124, "KWD"), (1, "TND")])
def test_amount_that_stripe_cannot_charge_is_refused(amount: int, currency: str) -> None:
    with pytest.raises(UnitsError):
        to_stripe(amount, currency)


def test_part_of_a_unit_from_stripe_is_refused() -> None:
    with pytest.raises(UnitsError):
        from_stripe(50_050, "ISK")


@given(st.sampled_from(sorted(SUPPORTED)), st.integers(-MOST_AMOUNT, MOST_AMOUNT))
def test_amount_in_steps_survives_the_way_to_stripe_and_back(currency: str, amount: int) -> None:
    stepped = floor_to_step(amount, charge_step(currency))
    assert abs(stepped) <= abs(amount) < abs(stepped) + charge_step(currency)
    assert from_stripe(to_stripe(stepped, currency), currency) == stepped
    paid_out = floor_to_step(amount, payout_step(currency))
    assert from_stripe(to_stripe(paid_out, currency), currency) == paid_out


def test_minimum_charge_is_chargeable_in_every_currency() -> None:
    for currency in SUPPORTED:
        least = minimum_charge(currency)
        assert least > 0
        assert floor_to_step(least, charge_step(currency)) == least, currency
    assert [minimum_charge(currency) for currency in ("EUR", "GBP", "HUF", "JPY", "KWD", "ISK", "BBD")] == [
        50, 30, 17_500, 50, 1_000, 1, 10 ** minor_digits("BBD"),
    ]  # fmt: skip
