"""Render a receipt as PDF in the language of its reader."""

import io
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import format_percent

from grome.common import formats
from grome.common.languages import Language
from grome.infrastructure.documents.tables import Column, Row
from grome.payments.models import Purpose, RefundState
from grome.receipts.models import LineKind, Receipt, ReceiptLine
from grome.receipts.translations import TEXTS

_WHOLE_BP = 10_000


def render_pdf(receipt: Receipt, language: Language, now: datetime) -> bytes:
    """Render the receipt. CPU-bound: belongs in a thread."""
    # Importing it takes half a second and 30 MB, so only a process that renders a receipt imports it.
    from grome.infrastructure.documents.pdf_file import Heading, PdfFile  # noqa: PLC0415

    page = _Page(receipt, language)
    texts, file = page.texts, io.BytesIO()
    heading = Heading(texts.title, page.heading_lines(now), now, page=texts.page, legend=texts.legend)
    columns = [Column("item", texts.item, 130), Column("amount", texts.amount, 50, "RIGHT")]
    with tempfile.TemporaryDirectory(prefix="grome-receipt-") as folder:
        table = PdfFile(file, Path(folder), heading, columns)
        try:
            table.add(list(page.rows()))
            table.finish(page.closing_lines())
            return file.getvalue()
        finally:
            table.close()


class _Page:
    """The texts of a receipt in one language."""

    def __init__(self, receipt: Receipt, language: Language) -> None:
        self._receipt, self._zone, self._locale = receipt, ZoneInfo(receipt.timezone), Locale.parse(language)
        self.texts = TEXTS[language]
        self._purposes = {
            Purpose.DEPOSIT: self.texts.deposit,
            Purpose.VISIT: self.texts.visit,
            Purpose.TIP: self.texts.tip,
            Purpose.FEE: self.texts.fee,
        }

    def heading_lines(self, now: datetime) -> list[str]:
        receipt, texts = self._receipt, self.texts
        return [
            receipt.seller,
            texts.number.format(number=receipt.number),
            texts.made_on.format(day=self._day(now)),
            texts.customer.format(name=receipt.customer),
            texts.visit_on.format(day=self._day(receipt.starts_at)),
        ]

    def rows(self) -> Iterator[Row]:
        receipt, texts = self._receipt, self.texts
        for line in receipt.lines:
            yield self._name_of(line), self._price(line.amount)
        yield texts.total, self._price(receipt.total)
        for payment in receipt.payments:
            purpose = self._purposes[payment.purpose]
            yield texts.payment.format(day=self._day(payment.at), purpose=purpose), self._price(payment.amount)
        for refund in receipt.refunds:
            is_done = refund.status is RefundState.SUCCEEDED
            yield texts.refund if is_done else texts.refund_pending, self._price(-refund.amount)

    def closing_lines(self) -> list[str]:
        receipt, texts = self._receipt, self.texts
        lines = [f"{texts.paid}: {self._price(receipt.paid)}"]
        if receipt.due:
            lines.append(f"{texts.due}: {self._price(receipt.due)}")
        if receipt.tax:
            rate = format_percent(receipt.tax_bp / _WHOLE_BP, "#,##0.## %", self._locale)
            lines.append(texts.tax.format(rate=rate, amount=self._price(receipt.tax)))
        return lines

    def _name_of(self, line: ReceiptLine) -> str:
        texts = self.texts
        match line.kind:
            case LineKind.SERVICE:
                return line.name
            case LineKind.ADD_ON:
                return f"+ {line.name}"
            case LineKind.DISCOUNT:
                return texts.discount.format(code=line.name)
            case LineKind.PLATFORM_DISCOUNT:
                return texts.platform_discount.format(code=line.name)
            case LineKind.FEE | LineKind.TIP:
                return texts.fee if line.kind is LineKind.FEE else texts.tip

    def _price(self, amount: int) -> str:
        return formats.price(amount, self._receipt.currency, self._locale)

    def _day(self, moment: datetime) -> str:
        return formats.long_date(formats.wall_time(moment, self._zone), self._locale)
