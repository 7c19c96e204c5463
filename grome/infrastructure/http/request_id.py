"""Identify each request by the client's id or a new one, in the response and in every log line."""

import re

from sanic import Request

from grome.common.ids import new_hex_id

ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(request: Request) -> str:
    known: str | None = getattr(request.ctx, "request_id", None)
    if known is None:
        sent = request.headers.get("x-request-id")
        known = sent if sent and ACCEPTABLE.fullmatch(sent) else new_hex_id()
        request.ctx.request_id = known
    return known
