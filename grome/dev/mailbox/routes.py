"""`/mailbox/`: mails in the folder of this machine; 404 if mail is sent to people."""

from typing import Final

from sanic import HTTPResponse, Request
from sanic.response import redirect

from grome.common.errors import NotFound
from grome.dev.mailbox.pages import FRAME_POLICY, PAGE_POLICY, mailbox_page
from grome.infrastructure.http import container_of
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.responses import body
from grome.notifications.email.folder import MailboxFolder, StoredMail, open_mailbox

PREFIX: Final = "/mailbox"

mailbox = Pages("mailbox", url_prefix=PREFIX)


@mailbox.on_request
async def admit(request: Request) -> None:
    settings = container_of(request).settings
    if settings.mail.transport != "folder" or settings.env == "production":
        raise NotFound("There is no such address.")


@mailbox.on_response  # type: ignore[untyped-decorator]  # Sanic gives types to the other one only
async def add_headers(request: Request, response: HTTPResponse) -> None:
    response.headers.setdefault("X-Request-ID", request_id(request))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"  # links in mails contain secrets of their readers


@mailbox.get("")
async def front(_request: Request) -> HTTPResponse:
    return redirect(f"{PREFIX}/", status=303)


@mailbox.get("/")
async def listed(request: Request) -> HTTPResponse:
    return _html(request, mailbox_page(await _folder(request).list_newest(), None), PAGE_POLICY)


@mailbox.get("/<name:str>")
async def opened(request: Request, name: str) -> HTTPResponse:
    letter = await _get_mail(request, name)
    return _html(request, mailbox_page(await _folder(request).list_newest(), letter), PAGE_POLICY)


@mailbox.get("/<name:str>/html")
async def framed(request: Request, name: str) -> HTTPResponse:
    """Serve the HTML of a mail, for a frame of the page."""
    return _html(request, (await _get_mail(request, name)).html, FRAME_POLICY)


def _folder(request: Request) -> MailboxFolder:
    return open_mailbox(container_of(request).settings)


async def _get_mail(request: Request, name: str) -> StoredMail:
    letter = await _folder(request).find(name)
    if letter is None:
        raise NotFound("There is no such message.")
    return letter


def _html(request: Request, page: str, policy: str) -> HTTPResponse:
    response = body(request, page.encode(), 200, "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    return response
