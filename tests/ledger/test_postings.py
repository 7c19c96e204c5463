"""The journal entries of each event."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.common.money import currencies_in_use
from grome.ledger.collected import collected_by
from grome.ledger.errors import UnbalancedEntryError
from grome.ledger.models import (
    BANK,
    COMMISSION,
    DISPUTE_FEES,
    FX,
    GOODWILL,
    STRIPE,
    STRIPE_FEES,
    WRITE_OFFS,
    Entry,
    barber_payable,
    held,
    payout_transit,
    refund_transit,
)
from grome.ledger.postings import (
    Subject,
    bank_payout,
    dispute_lost,
    dispute_opened,
    dispute_won,
    goodwill_to_barber,
    payment_received,
    payout_created,
    payout_paid,
    payout_returned,
    payout_reversed,
    promo_funded,
    refund_created,
    refund_paid,
    refund_returned,
    refund_reversed,
    visit_released,
    write_off,
)
from grome.ledger.rules import Collected, commission_on, split_refund
from tests.builders.ledger import AT, balance_line

AMOUNTS = st.integers(1, 10**9)
CURRENCIES = st.sampled_from(sorted(currencies_in_use()))
PAYMENT, BOOKING, BARBER, REFUND, PAYOUT = (UUID(int=number) for number in range(1, 6))


def totals(entries: tuple[Entry, ...]) -> dict[tuple[str, str], int]:
    """Sum the lines by account and currency, without zeros."""
    sums: dict[tuple[str, str], int] = {}
    for entry in entries:
        assert sum(line.amount for line in entry.lines) == 0
        assert all(line.amount for line in entry.lines)
        for line in entry.lines:
            key = line.account, entry.currency
            sums[key] = sums.get(key, 0) + line.amount
    return {key: amount for key, amount in sums.items() if amount}


@given(
    amount=AMOUNTS,
    currency=CURRENCIES,
    settled=CURRENCIES,
    fee=st.integers(0, 10**6),
    rate=st.integers(0, 10_000),
    parts=st.lists(st.integers(1, 10**9), max_size=4),
)
def test_postings_of_a_payment_balance_and_leave_no_money_in_clearing_accounts(
    *, amount: int, currency: str, settled: str, fee: int, rate: int, parts: list[int]
) -> None:
    payment = {"payment_id": PAYMENT, "booking_id": BOOKING, "currency": currency}
    about = {**payment, "barber_id": BARBER}
    other = amount if settled == currency else amount * 3 // 2 + 1  # a rate of exchange
    commission = commission_on(amount, rate)
    entries = (
        *payment_received(**about, amount=amount, line=balance_line(other, fee, settled), tip=False),
        *visit_released(**about, amount=amount, commission=commission, at=AT),
    )
    for part in parts:
        refund_id, state = uuid4(), collected_by(entries)
        split = split_refund(min(part, state.refundable), state)
        if split.total:
            line = balance_line(-split.total if settled == currency else -split.total * 3 // 2 - 1, 0, settled)
            entries += refund_created(**about, refund_id=refund_id, split=split, at=AT)
            entries += refund_paid(**payment, refund_id=refund_id, amount=split.total, line=line)
    books, state = totals(entries), collected_by(entries)
    assert state.received == state.released == amount
    assert state.commission == commission
    assert state.refundable == amount - min(amount, sum(parts))
    assert not [account for account, _ in books if account.startswith(("held:", "refund_transit:"))]
    assert books.get((COMMISSION, currency), 0) == state.refunded.commission - commission
    assert books.get((barber_payable(BARBER), currency), 0) == state.refunded.barber - (amount - commission)
    assert all(account == FX for account, code in books if code == settled != currency and account not in _AT_STRIPE)


_AT_STRIPE = {STRIPE, STRIPE_FEES}


@given(AMOUNTS, st.integers(0, 10**6))
def test_payment_received_of_a_tip_is_the_barbers_at_once(amount: int, fee: int) -> None:
    entries = payment_received(
        payment_id=PAYMENT,
        booking_id=BOOKING,
        barber_id=BARBER,
        currency="EUR",
        amount=amount,
        line=balance_line(amount, fee),
        tip=True,
    )
    expected = {(STRIPE, "EUR"): amount - fee, (STRIPE_FEES, "EUR"): fee, (barber_payable(BARBER), "EUR"): -amount}
    assert totals(entries) == {key: value for key, value in expected.items() if value}
    state = collected_by(entries)
    assert state == Collected(received=amount, released=amount)
    assert split_refund(amount, state).barber == amount


def test_payment_received_of_another_amount_than_stripe_moved_raises() -> None:
    with pytest.raises(UnbalancedEntryError):
        payment_received(
            payment_id=PAYMENT,
            booking_id=BOOKING,
            barber_id=BARBER,
            currency="EUR",
            amount=4000,
            line=balance_line(3999),
            tip=False,
        )


def test_payment_received_in_another_currency_goes_through_fx_by_two_entries() -> None:
    line = balance_line(3600, 100, "EUR")
    charged, settled = payment_received(
        payment_id=PAYMENT, booking_id=BOOKING, barber_id=BARBER, amount=4000, currency="USD", line=line, tip=False
    )
    assert totals((charged,)) == {(held(BOOKING), "USD"): -4000, (FX, "USD"): 4000}
    assert totals((settled,)) == {(STRIPE, "EUR"): 3500, (STRIPE_FEES, "EUR"): 100, (FX, "EUR"): -3600}
    assert (charged.external_ref, settled.external_ref) == (None, line.id)


@given(AMOUNTS, st.integers(0, 10**6))
def test_refund_that_failed_leaves_the_books_as_before(amount: int, released: int) -> None:
    state = Collected(received=amount, released=min(released, amount), commission=min(released, amount) // 10)
    payment = {"refund_id": REFUND, "payment_id": PAYMENT, "booking_id": BOOKING, "currency": "EUR"}
    about = {**payment, "barber_id": BARBER, "split": split_refund(amount, state)}
    created = refund_created(**about, at=AT)
    assert totals(created)[refund_transit(REFUND), "EUR"] == -amount
    paid = refund_paid(**payment, amount=amount, line=balance_line(-amount))
    returned = refund_returned(**payment, amount=amount, line=balance_line(amount))
    reversed_ = refund_reversed(**about, at=AT)
    assert totals((*created, *paid, *returned, *reversed_)) == {}
    assert reversed_[0].reverses == created[0].id


@given(AMOUNTS)
def test_payout_that_failed_leaves_the_books_as_before(amount: int) -> None:
    about = {"payout_id": PAYOUT, "barber_id": BARBER, "amount": amount, "currency": "EUR"}
    created = payout_created(**about, at=AT)
    paid = payout_paid(**about, line=balance_line(-amount))
    assert totals((*created, *paid)) == {(barber_payable(BARBER), "EUR"): amount, (STRIPE, "EUR"): -amount}
    returned = payout_returned(**about, line=balance_line(amount))
    assert totals((*created, *paid, *returned))[payout_transit(PAYOUT), "EUR"] == -amount
    assert totals((*created, *paid, *returned, *payout_reversed(**about, at=AT))) == {}


def test_payout_reversed_in_two_parts_makes_two_entries() -> None:
    about = {"payout_id": PAYOUT, "barber_id": BARBER, "amount": 50, "currency": "EUR", "at": AT}
    first, second = payout_reversed(**about, part="txn_1") + payout_reversed(**about, part="txn_2")
    assert first.id != second.id


@given(AMOUNTS, st.integers(0, 10**6))
def test_dispute_that_was_won_costs_its_fee_only(amount: int, fee: int) -> None:
    about = {"dispute_id": "dp_1", "payment_id": PAYMENT, "booking_id": BOOKING, "amount": amount, "currency": "EUR"}
    opened = dispute_opened(**about, line=balance_line(-amount, fee))
    won = dispute_won(**about, line=balance_line(amount))
    fees = {(STRIPE, "EUR"): -fee, (DISPUTE_FEES, "EUR"): fee} if fee else {}
    assert totals((*opened, *won)) == fees


@given(AMOUNTS)
def test_dispute_that_was_lost_is_split_like_a_refund(amount: int) -> None:
    about = {"dispute_id": "dp_1", "payment_id": PAYMENT, "booking_id": BOOKING, "currency": "EUR"}
    state = Collected(received=amount, released=amount, commission=commission_on(amount, 1500))
    opened = dispute_opened(**about, amount=amount, line=balance_line(-amount, 1500))
    lost = dispute_lost(**about, barber_id=BARBER, split=split_refund(amount, state), at=AT + timedelta(days=60))
    books = totals((*opened, *lost))
    assert books.get((COMMISSION, "EUR"), 0) == state.commission
    assert books[barber_payable(BARBER), "EUR"] == amount - state.commission
    assert not [account for account, _ in books if account.startswith("disputes_held:")]
    assert collected_by(lost).refunded.total == amount


@given(AMOUNTS, st.integers(0, 10_000))
def test_promo_funded_gives_the_barber_the_discount_less_commission(amount: int, rate: int) -> None:
    commission = commission_on(amount, rate)
    entries = promo_funded(
        booking_id=BOOKING, barber_id=BARBER, amount=amount, commission=commission, currency="EUR", at=AT
    )
    assert totals(entries).get((barber_payable(BARBER), "EUR"), 0) == commission - amount


@given(AMOUNTS)
def test_corrections_balance_and_keep_their_reason(amount: int) -> None:
    about = {"amount": amount, "currency": "EUR", "at": AT}
    given_ = goodwill_to_barber(**about, goodwill_id=PAYOUT, barber_id=BARBER, booking_id=None, reason="Late refund")
    assert totals(given_) == {(GOODWILL, "EUR"): amount, (barber_payable(BARBER), "EUR"): -amount}
    account, subject = barber_payable(BARBER), Subject(barber_id=BARBER)
    written = write_off(**about, write_off_id=PAYOUT, account=account, reason="Shop closed", about=subject)
    assert totals(written) == {(WRITE_OFFS, "EUR"): amount, (account, "EUR"): -amount}
    assert (given_[0].memo, written[0].memo) == ("Late refund", "Shop closed")


def test_bank_payout_moves_money_from_stripe_to_the_bank() -> None:
    assert totals(bank_payout(line=balance_line(-5000))) == {(STRIPE, "EUR"): -5000, (BANK, "EUR"): 5000}


def test_postings_of_no_money_make_no_entry() -> None:
    assert promo_funded(booking_id=BOOKING, barber_id=BARBER, amount=0, commission=0, currency="EUR", at=AT) == ()
