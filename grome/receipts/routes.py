"""Serve receipts of bookings."""

from uuid import UUID

from sanic import HTTPResponse, Request

from grome.common.actor import ANYONE, Actor, Role
from grome.common.errors import NotFound
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.infrastructure.http.responses import body
from grome.infrastructure.storage.protocol import attachment_disposition
from grome.receipts.errors import NothingPaid
from grome.receipts.models import Receipt
from grome.receipts.service import ReceiptService

receipts = Routes("receipts", "/v1", about="Receipts of bookings as JSON and PDF, with all payments and refunds.")
_PDF = "application/pdf"
_ALL = frozenset(Role)


@receipts.get("/bookings/{booking_id}/receipt", who=_ALL, refusals=(NotFound, NothingPaid))
async def read_receipt(request: Request, actor: Actor, booking_id: UUID) -> Receipt:
    """Return the receipt of a booking with all payments and refunds so far.

    409 `nothing_paid` means that nothing has been paid yet, so there is no receipt.
    """
    return await resolve(request, ReceiptService).get(actor, booking_id)


@receipts.get(
    "/bookings/{booking_id}/receipt.pdf",
    who=_ALL,
    limit=LimitClass.COSTLY,
    answers={200: _PDF},
    refusals=(NotFound, NothingPaid),
)
async def download_receipt(request: Request, actor: Actor, booking_id: UUID) -> HTTPResponse:
    """Return the receipt of a booking as PDF, in your language."""
    content, name = await resolve(request, ReceiptService).get_pdf(actor, booking_id)
    return _file(request, content, name)


@receipts.get(
    "/receipts/{token}", who=ANYONE, limit=LimitClass.COSTLY, answers={200: _PDF}, refusals=(NotFound, NothingPaid)
)
async def open_receipt(request: Request, token: str) -> HTTPResponse:
    """Return the receipt that a link in a message leads to, as PDF.

    A link works for half a year, without a sign-in.
    """
    content, name = await resolve(request, ReceiptService).get_pdf_by_link(token)
    response = _file(request, content, name)
    response.headers["X-Robots-Tag"] = "noindex"  # the URL grants the access
    return response


def _file(request: Request, content: bytes, name: str) -> HTTPResponse:
    response = body(request, content, 200, _PDF)
    response.headers["Content-Disposition"] = attachment_disposition(name)
    return response
