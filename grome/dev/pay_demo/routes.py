"""`/pay-demo`: pay bookings with test cards; 404 unless payments go to the stand-in for Stripe."""

from sanic import HTTPResponse, Request

from grome.common.errors import NotFound
from grome.dev.pay_demo.pages import pay_demo_page, policy_for
from grome.infrastructure.http import container_of
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.responses import body

pay_demo = Pages("pay_demo", url_prefix="/pay-demo")


@pay_demo.get("")
async def page(request: Request) -> HTTPResponse:
    settings = container_of(request).settings
    if not settings.stripe.url or settings.env == "production":
        raise NotFound("There is no such address.")
    html = pay_demo_page(settings.stripe.url, settings.stripe.publishable_key)
    response = body(request, html.encode(), 200, "text/html; charset=utf-8")
    response.headers.setdefault("X-Request-ID", request_id(request))
    response.headers["Content-Security-Policy"] = policy_for(settings.stripe.url)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
