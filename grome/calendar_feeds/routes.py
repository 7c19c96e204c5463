"""Serve `/v1/me/calendar`, the feed under its secret URL, and one booking as a file."""

from uuid import UUID

from sanic import HTTPResponse, Request

from grome.calendar_feeds.ics import CONTENT_TYPE
from grome.calendar_feeds.models import FEED_ROLES
from grome.calendar_feeds.schemas import CalendarOut
from grome.calendar_feeds.service import CalendarService
from grome.common.actor import ANYONE, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.http.caching import REVALIDATED_BY_ITS_OWNER
from grome.infrastructure.http.responses import body
from grome.infrastructure.storage.protocol import attachment_disposition, filename_parameters

calendar = Routes(
    "calendar", "/v1", about="Visits as iCalendar: a private feed for calendar apps, and a file for each booking."
)
_FEED_NAME = "grome.ics"
_UTF8 = f"{CONTENT_TYPE}; charset=utf-8"


@calendar.get("/me/calendar", who=FEED_ROLES)
async def read_calendar_address(request: Request, actor: Actor) -> CalendarOut:
    """Return the secret URL of your calendar feed.

    Calendar apps find all your visits there without a sign-in.
    """
    return await resolve(request, CalendarService).get_url(actor)


@calendar.post("/me/calendar/reset", who=FEED_ROLES)
async def reset_calendar_address(request: Request, actor: Actor) -> CalendarOut:
    """Create a new URL for your calendar feed.

    The old URL stops working at once. A feed that was off is on again.
    """
    return await resolve(request, CalendarService).reset(actor)


@calendar.delete("/me/calendar", who=FEED_ROLES, status=204)
async def turn_calendar_off(request: Request, actor: Actor) -> None:
    """Turn your calendar feed off.

    Its URL stops working at once and permanently.
    """
    await resolve(request, CalendarService).turn_off(actor)


@calendar.get(
    "/calendars/{token}/grome.ics",
    who=ANYONE,
    answers={200: CONTENT_TYPE},
    refusals=(NotFound,),
    cache=REVALIDATED_BY_ITS_OWNER,
)
async def read_calendar(request: Request, token: str) -> HTTPResponse:
    """Return a person's visits as iCalendar (RFC 5545), for calendar apps.

    The feed covers 90 days back and up to a year ahead; cancelled visits have `STATUS:CANCELLED`, and requests are
    `TENTATIVE`. Customers get the name and place of the shop, barbers the first names of their customers and their own
    time off.
    """
    content = await resolve(request, CalendarService).render_feed(token)
    response = body(request, content, 200, _UTF8, REVALIDATED_BY_ITS_OWNER)
    response.headers["Content-Disposition"] = f"inline; {filename_parameters(_FEED_NAME)}"
    response.headers["X-Robots-Tag"] = "noindex"  # the URL grants the access
    return response


@calendar.get("/bookings/{booking_id}/calendar.ics", who=FEED_ROLES, answers={200: CONTENT_TYPE}, refusals=(NotFound,))
async def read_visit(request: Request, actor: Actor, booking_id: UUID) -> HTTPResponse:
    """Return a booking of yours as an iCalendar file."""
    content, name = await resolve(request, CalendarService).render_visit(actor, booking_id)
    response = body(request, content, 200, _UTF8)
    response.headers["Content-Disposition"] = attachment_disposition(name)
    return response
