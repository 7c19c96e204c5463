"""What a barber asks of customers around money and reliability; each booking keeps a copy of how it stood."""

from typing import Annotated

from msgspec import Meta, Struct

from grome.common.money import Amount

_WEEK_MIN = 7 * 24 * 60
Notice = Annotated[int, Meta(ge=0, le=4 * _WEEK_MIN, description="Minutes before the start of the visit.")]
Percent = Annotated[int, Meta(ge=0, le=100)]


class CancellationPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Customers cancel without cost up to `cancel_notice_min` before the start, and move a visit up to
    `reschedule_notice_min` before it.

    Who cancels later gets `late_refund_percent` of the price back, who does not come `no_show_refund_percent`; the rest
    is the fee. Barbers may always cancel, and customers then pay nothing.
    """

    cancel_notice_min: Notice = 0
    reschedule_notice_min: Notice = 0
    late_refund_percent: Percent = 100
    no_show_refund_percent: Percent = 0


class DepositRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Due when a booking is made: `percent` of the price, at least `least`, at most the price; both 0 for none."""

    percent: Percent = 0
    least: Amount = 0


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    cancellation: CancellationPolicy = CancellationPolicy()
    deposit: DepositRule = DepositRule()
