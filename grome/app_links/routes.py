"""Serve the pages `/bookings/…` and `/webhooks/…` for links in messages and calendars without the app.

The same page is served for every id, known or not, so that it does not reveal which bookings exist.
"""

from uuid import UUID

from sanic import HTTPResponse, Request

from grome.app_links.page import POLICY, Subject, link_page
from grome.common.languages import LANGUAGES
from grome.infrastructure.http.accept_language import preferred_language
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.responses import body

app_links = Pages("app_links")


async def booking_link(request: Request, booking_id: UUID) -> HTTPResponse:
    return _page(request, "booking", f"bookings/{booking_id}")


async def short_booking_link(request: Request, booking_id: UUID) -> HTTPResponse:
    return _page(request, "booking", f"bookings/{booking_id}")


async def webhook_link(request: Request, endpoint_id: UUID) -> HTTPResponse:
    return _page(request, "webhook", f"webhooks/{endpoint_id}")


def _page(request: Request, subject: Subject, path: str) -> HTTPResponse:
    language = preferred_language(request.headers.get("accept-language"), LANGUAGES)
    response = body(request, link_page(language, subject, path).encode(), 200, "text/html; charset=utf-8")
    vary = [response.headers.get("Vary", ""), "Accept-Language"]
    response.headers["Vary"] = ", ".join(filter(None, vary))
    response.headers["Content-Language"] = language
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


for handler, path in (
    (booking_link, "/bookings/<booking_id:uuid>"),
    (short_booking_link, "/b/<booking_id:uuid>"),
    (webhook_link, "/webhooks/<endpoint_id:uuid>"),
):
    app_links.add_route(handler, path, methods=["GET", "HEAD"])
