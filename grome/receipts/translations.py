"""Load the texts of receipts in every language."""

from typing import Final

from msgspec import Struct

from grome.common.languages import Texts


class ReceiptTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the texts of one language; names in braces are filled in."""

    title: str
    number: str
    made_on: str
    customer: str
    visit_on: str
    item: str
    amount: str
    discount: str
    platform_discount: str
    total: str
    deposit: str
    visit: str
    tip: str
    fee: str
    refund: str
    refund_pending: str
    payment: str
    paid: str
    due: str
    tax: str
    page: str
    legend: str


TEXTS: Final = Texts("receipt", ReceiptTexts)
