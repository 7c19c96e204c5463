"""`/v1/me/notifications`, `/v1/me/devices/…/push-token`, and the page that a mail's unsubscribe link leads to."""

from typing import Final
from uuid import UUID

from sanic import HTTPResponse, Request

from grome.accounts.models import Preferences, Topic
from grome.common.actor import SIGNED_IN, Actor
from grome.common.errors import Invalid, NotFound
from grome.composition import app_context
from grome.infrastructure.http import PageQuery, Routes
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.responses import body
from grome.notifications.schemas import NotificationPage, PushTokenIn
from grome.notifications.unsubscribe import PATH
from grome.notifications.unsubscribe_page import POLICY, render_page

# What mail programs send for a click on their own button (RFC 8058, section 3.2), and our page's form too.
ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")

notifications = Routes("notifications", "/v1/me")
unsubscribe = Pages("unsubscribe", url_prefix=PATH)


@notifications.get("/notifications", who=SIGNED_IN)
async def list_notifications(request: Request, actor: Actor, query: PageQuery) -> NotificationPage:
    """What you were told of late and on which way, or why not; the newest first."""
    return await app_context(request).notification_log.page(actor, query)


@notifications.put("/devices/{device_id}/push-token", who=SIGNED_IN, status=204, refusals=(NotFound,))
async def put_push_token(request: Request, actor: Actor, device_id: UUID, body: PushTokenIn) -> None:
    """Get push messages on a device that you are signed in on, under the id that its login named.

    A token belongs to whoever put it last. It is good until that device logs out or its push service gives it up.
    """
    await app_context(request).push_devices.put(actor, device_id, body.token)


@notifications.delete("/devices/{device_id}/push-token", who=SIGNED_IN, status=204, refusals=(NotFound,))
async def remove_push_token(request: Request, actor: Actor, device_id: UUID) -> None:
    """Get no more push messages on a device of yours."""
    await app_context(request).push_devices.remove(actor, device_id)


@unsubscribe.get("/<token:str>")
async def show(request: Request, token: str) -> HTTPResponse:
    """Asks, and changes nothing: programs that look for bad links in mail follow this one too."""
    topic, preferences = await app_context(request).unsubscribe.preview(token)
    return _html(request, topic, preferences)


@unsubscribe.post("/<token:str>")
async def stop(request: Request, token: str) -> HTTPResponse:
    """Raises Invalid where neither a mail program's button nor ours was pressed."""
    name, value = ONE_CLICK
    form = request.form
    if form is None or form.get(name) != value:
        raise Invalid(name, f"is not {value}")
    topic, preferences = await app_context(request).unsubscribe.unsubscribe(token)
    return _html(request, topic, preferences)


def _html(request: Request, topic: Topic, preferences: Preferences) -> HTTPResponse:
    shown = render_page(preferences.language, topic, ended=topic in preferences.notifications.no_mail_about)
    response = body(request, shown.encode(), 200, "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the permission
    response.headers["X-Robots-Tag"] = "noindex"
    return response
