"""Serve `/v1/me/notifications`, `/v1/me/devices/…/push-token`, and the page behind the unsubscribe link of a mail."""

from typing import Final
from uuid import UUID

from sanic import HTTPResponse, Request

from grome.accounts.models import Preferences, Topic
from grome.common.actor import NO_ROLE, SIGNED_IN, Actor
from grome.common.errors import Invalid, NotFound
from grome.infrastructure.http import PageQuery, Routes, resolve
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.responses import body
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.push_devices import PushDevices
from grome.notifications.schemas import NotificationPage, PushTokenIn
from grome.notifications.unsubscribe import PATH, UnsubscribeService
from grome.notifications.unsubscribe_page import POLICY, render_page

# The form field that mail programs send for a click on their own button (RFC 8058, section 3.2); our page sends it too.
ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")

notifications = Routes(
    "notifications", "/v1/me", about="Messages that you got by mail, push and SMS, and the push tokens of your devices."
)
unsubscribe = Pages("unsubscribe", url_prefix=PATH)


@notifications.get("/notifications", who=SIGNED_IN, second_factor=NO_ROLE)
async def list_notifications(request: Request, actor: Actor, query: PageQuery) -> NotificationPage:
    """List your messages of the last 90 days, newest first."""
    return await resolve(request, NotificationLog).page(actor, query)


@notifications.put(
    "/devices/{device_id}/push-token", who=SIGNED_IN, status=204, second_factor=NO_ROLE, refusals=(NotFound,)
)
async def put_push_token(request: Request, actor: Actor, device_id: UUID, body: PushTokenIn) -> None:
    """Register the push token of a device, under the id that you gave at login.

    You must be signed in on the device, or the answer is 404. A token belongs to one user: a new registration takes it
    over. It is valid until the device signs out or the push service rejects it.
    """
    await resolve(request, PushDevices).put(actor, device_id, body.token)


@notifications.delete(
    "/devices/{device_id}/push-token", who=SIGNED_IN, status=204, second_factor=NO_ROLE, refusals=(NotFound,)
)
async def remove_push_token(request: Request, actor: Actor, device_id: UUID) -> None:
    """Stop push messages to one of your devices."""
    await resolve(request, PushDevices).remove(actor, device_id)


@unsubscribe.get("/<token:str>")
async def show(request: Request, token: str) -> HTTPResponse:
    """Show the page with the unsubscribe button.

    Changes nothing, because link checkers in mail programs follow the link.
    """
    topic, preferences = await resolve(request, UnsubscribeService).preview(token)
    return _html(request, topic, preferences)


@unsubscribe.post("/<token:str>")
async def stop(request: Request, token: str) -> HTTPResponse:
    """Unsubscribe from the topic of the link.

    Raises Invalid if the form field of the button is missing.
    """
    name, value = ONE_CLICK
    form = request.form
    if form is None or form.get(name) != value:
        raise Invalid(name, f"is not {value}")
    topic, preferences = await resolve(request, UnsubscribeService).unsubscribe(token)
    return _html(request, topic, preferences)


def _html(request: Request, topic: Topic, preferences: Preferences) -> HTTPResponse:
    shown = render_page(preferences.language, topic, ended=topic in preferences.notifications.no_mail_about)
    response = body(request, shown.encode(), 200, "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"  # the address grants the access
    response.headers["X-Robots-Tag"] = "noindex"
    return response
