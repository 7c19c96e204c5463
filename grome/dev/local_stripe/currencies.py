"""Amounts that Stripe accepts, by currency."""

from typing import Final

from grome.dev.local_stripe.errors import invalid

_MAX: Final = 99_999_999
# The least charge by currency, in Stripe's units. Other currencies have no minimum here.
_MINIMUM: Final = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400,
    "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200,
    "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
_CURRENCIES: Final = frozenset(
    """aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp
    cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk
    jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn
    nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std
    szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw""".split()  # noqa: SIM905
)
# Units with digits that exist in the number only: an amount is a multiple.
_STEPS: Final = {"isk": 100, "ugx": 100, "bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10}


def check_currency(currency: str) -> str:
    """Return the currency in lower case. Raises the error of a currency that Stripe does not support."""
    if currency.lower() not in _CURRENCIES:
        raise invalid(f"Invalid currency: {currency}.", None, "currency")
    return currency.lower()


def check_charge(amount: int, currency: str) -> None:
    """Raises `amount_too_small` or `amount_too_large`, or the error of digits that the currency has not."""
    check_step(amount, currency)
    if amount < _MINIMUM.get(currency, 1):
        raise invalid(f"Amount must be at least {_MINIMUM.get(currency, 1)} {currency}", "amount_too_small", "amount")
    if amount > _MAX:
        raise invalid(f"Amount must be no more than {_MAX} {currency}", "amount_too_large", "amount")


def check_step(amount: int, currency: str) -> None:
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", "parameter_invalid_integer", "amount")
    if amount % _STEPS.get(currency, 1):
        raise invalid(f"Amounts in {currency} are multiples of {_STEPS[currency]}", None, "amount")
