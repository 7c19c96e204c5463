"""Thin events as Stripe sends them, signed by the SDK."""

import uuid
from datetime import datetime
from typing import Any

import httpx
import msgspec
from stripe import WebhookSignature

from grome.common.clock import system_clock

PATH = "/v1/stripe/webhook"
SECRET = "whsec_new"


def thin_event(kind: str = "v1.payment_intent.succeeded", **fields: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "v2.core.event",
        "type": kind,
        "created": "2026-11-30T06:00:00.000Z",
        "livemode": False,
        "related_object": {"id": "pi_1", "type": "payment_intent", "url": "/v1/payment_intents/pi_1"},
        **fields,
    }


def signature(body: bytes, secret: str = SECRET, at: datetime | None = None) -> str:
    moment = int((at or system_clock()).timestamp())
    header: str = WebhookSignature.generate_signature_header(body.decode(), secret, moment)
    return header


async def send(http: httpx.AsyncClient, event: dict[str, Any], secret: str = SECRET) -> httpx.Response:
    body = msgspec.json.encode(event)
    return await post(http, body, signature(body, secret))


async def post(
    http: httpx.AsyncClient, body: bytes, header: str | None, kind: str = "application/json"
) -> httpx.Response:
    signed = {} if header is None else {b"stripe-signature": header.encode()}
    headers = {b"content-type": kind.encode(), **signed}
    return await http.post(PATH, content=body, headers=headers)
