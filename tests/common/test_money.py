"""Currencies in use, and how many digits their minor units have."""

from decimal import Decimal

import pytest

from grome.common.money import currencies_in_use, decimal_of, minor_digits


def test_currencies_in_use_have_the_minor_units_of_iso_4217() -> None:
    by_digits = {digits: {code for code in currencies_in_use() if minor_digits(code) == digits} for digits in range(5)}
    assert by_digits[0] == {
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF",
    }  # fmt: skip
    assert by_digits[3] == {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
    assert 120 < len(by_digits[2]) < 150
    assert by_digits[4] == {"UYW"}


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "XDR", "CHW", "CLF", "MXV", "UYI", "DEM", "HRK", "CUC", "ABC"])
def test_code_of_funds_metals_tests_or_the_past_is_not_in_use(code: str) -> None:
    assert code not in currencies_in_use()


def test_code_that_the_standard_has_dropped_keeps_two_digits() -> None:
    assert minor_digits("HRK") == 2


def test_amount_is_formatted_with_the_minor_digits_of_its_currency() -> None:
    assert [decimal_of(1250, code) for code in ("EUR", "JPY", "KWD")] == [
        Decimal("12.50"),
        Decimal(1250),
        Decimal("1.250"),
    ]
