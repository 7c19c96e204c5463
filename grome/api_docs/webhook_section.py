"""The `webhooks` section of the OpenAPI document: the requests that Grome sends to endpoints of receivers."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from grome.api_docs.webhook_texts import WEBHOOK_TEXTS
from grome.bookings.schemas import BookingOut
from grome.infrastructure.http.json_schemas import SCHEMA_REF, Json
from grome.infrastructure.http.responses import JSON
from grome.webhooks.models import PING
from grome.webhooks.payloads import (
    AccountEventData,
    BarberEventData,
    MoneyEventData,
    PaymentEventData,
    PingData,
    PromoEventData,
    ReviewEventData,
)

_DATA_OF_FAMILIES: Final[Mapping[str, type[Struct]]] = {
    "booking": BookingOut,
    "payment": PaymentEventData,
    "review": ReviewEventData,
    "payout": MoneyEventData,
    "adjustment": MoneyEventData,
    "finding": MoneyEventData,
    "message_report": MoneyEventData,
    "barber": BarberEventData,
    "verification": BarberEventData,
    "promo": PromoEventData,
    "account": AccountEventData,
    PING: PingData,
}
WEBHOOK_DATA: Final = tuple(dict.fromkeys(_DATA_OF_FAMILIES.values()))
WEBHOOK_TAG: Final = "webhooks"
_PARAMETER_REF: Final = "#/components/parameters/{name}"
_RESPONSE_REF: Final = "#/components/responses/{name}"
_HEADERS: Final[Mapping[str, Json]] = {
    "WebhookId": {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "The event's id, the same in every repeat and replay: drop an event that you have had.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "WebhookTimestamp": {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "Seconds since 1970 at which this request was signed. Refuse it if it is far from your clock.",
        "schema": {"type": "string", "pattern": "^[0-9]{10,}$"},
    },
    "WebhookSignature": {
        "name": "webhook-signature",
        "in": "header",
        "required": True,
        "description": "`v1,` and a base64 HMAC-SHA256 of id, timestamp and body by the endpoint's secret, as Standard "
        "Webhooks defines. During a rotation there are several, parted by spaces.",
        "schema": {"type": "string"},
    },
}
_ANSWERS: Final[Mapping[str, Json]] = {
    "WebhookReceived": {"description": "Any 2xx within 15 seconds: the event is stored. The body is not read."},
    "WebhookGone": {"description": "The endpoint is disabled at once."},
    "WebhookFailed": {"description": "Any other answer: the request is repeated with growing pauses, up to six times."},
}


def add_webhooks(document: Json) -> None:
    """Add the requests of all types of events. The schemas of WEBHOOK_DATA must be among the components."""
    components = document["components"]
    for family, data in _DATA_OF_FAMILIES.items():
        components["schemas"][_schema_name(family)] = _schema_of_family(family, data)
    components["parameters"] = dict(_HEADERS)
    components["responses"] = dict(_ANSWERS)
    document["webhooks"] = {kind: {"post": _operation(kind, text)} for kind, text in WEBHOOK_TEXTS.items()}


def _schema_of_family(family: str, data: type[Struct]) -> Json:
    types = [kind for kind in WEBHOOK_TEXTS if _family_of(kind) == family]
    return {
        "title": _schema_name(family),
        "description": "An event, as the body of a webhook.",
        "type": "object",
        "properties": {
            "type": {"enum": types, "description": "The type of the event. New types can come at any time."},
            "timestamp": {"type": "string", "format": "date-time", "description": "The time of the event."},
            "data": {
                "$ref": SCHEMA_REF.format(name=data.__name__),
                "description": "The subject of the event, right after it.",
            },
        },
        "required": ["type", "timestamp", "data"],
    }


def _operation(kind: str, text: str) -> Json:
    return {
        "operationId": f"webhook_{kind.replace('.', '_')}",
        "tags": [WEBHOOK_TAG],
        "summary": text,
        "parameters": [{"$ref": _PARAMETER_REF.format(name=name)} for name in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": SCHEMA_REF.format(name=_schema_name(_family_of(kind)))}}},
        },
        "responses": {
            "2XX": {"$ref": _RESPONSE_REF.format(name="WebhookReceived")},
            "410": {"$ref": _RESPONSE_REF.format(name="WebhookGone")},
            "default": {"$ref": _RESPONSE_REF.format(name="WebhookFailed")},
        },
        "security": [],
    }


def _family_of(kind: str) -> str:
    return kind.partition(".")[0]


def _schema_name(family: str) -> str:
    return f"{family.title().replace('_', '')}Webhook"
