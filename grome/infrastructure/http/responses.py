"""From Structs and refusals to bytes."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sanic import HTTPResponse, Request
from sanic.response import BaseHTTPResponse

from grome.common.errors import ApiError
from grome.infrastructure.http.caching import NO_STORE, entity_tag, is_fresh
from grome.infrastructure.http.compression import accepts_gzip, compressed
from grome.infrastructure.http.prebuilt import PrebuiltResponse, sent
from grome.infrastructure.http.request_id import request_id

encode = msgspec.json.Encoder(enc_hook=str).encode
JSON = "application/json"
PROBLEM = "application/problem+json"
EVENT_STREAM = "text/event-stream"
ERROR_PAGES = "/docs/errors"
# Sanic's own error pages are never sent. Without a format it reads the source of each handler to guess one, which took
# half of the time of making the application.
ERROR_FORMAT = "json"


class FieldFault(Struct, frozen=True):
    """One fault of the input."""

    field: Annotated[str, Meta(examples=["service_ids[0]"])]
    """Path of the field in the body, or name of the parameter or header, e.g. `services[0].price`."""
    message: Annotated[str, Meta(examples=["is not offered by this barber"])]
    """Describes the fault for a person, as the rest of a sentence that begins with the field."""


class Problem(Struct, frozen=True, omit_defaults=True):
    """Describes an error (RFC 9457)."""

    type: Annotated[str, Meta(examples=["https://grome.example/docs/errors/invalid"])]
    """URI of the kind of problem; the same for equal values of `code`."""
    title: Annotated[str, Meta(examples=["The input is not acceptable"])]
    """One sentence in English that is the same for each problem with this `code`."""
    status: int
    """The HTTP status of the response."""
    code: Annotated[str, Meta(examples=["invalid"])]
    """Stable and made for programs: branch on it, not on the texts."""
    request_id: Annotated[str, Meta(examples=["01a22bed2ef072d8897f14ec49243f36"])]
    """Equals the header `X-Request-ID`; quote it to support, since the log of the server has it too."""
    detail: str = ""
    """Explains this occurrence to people, in English; absent if the title says it all."""
    errors: list[FieldFault] = []
    """Every fault of the input; absent if the problem is not about single fields."""


def reply(
    request: Request,
    value: Any,  # noqa: ANN401 -- any encodable answer
    status: int = 200,
    cache: str = NO_STORE,
) -> BaseHTTPResponse:
    """Encode `value` as JSON; None is an empty 204."""
    if value is None:
        return HTTPResponse(status=204, headers={"X-Request-ID": request_id(request)})
    content = encode(value)
    if cache != NO_STORE:
        return body(request, content, status, JSON, cache)
    encodings = request.headers.get("accept-encoding")
    return PrebuiltResponse(request_id(request), *sent(content, encodings, request.app.config.GZIP_MIN_BYTES), status)


def problem_type(api_base: str, code: str) -> str:
    """Return the URI of a kind of problem: the address of the page that explains it."""
    return f"{api_base}{ERROR_PAGES}/{code}"


def problem(request: Request, refusal: ApiError) -> HTTPResponse:
    """The problem+json answer of a refusal, its headers included."""
    told = Problem(
        type=problem_type(request.app.config.API_BASE, refusal.code),
        title=refusal.title,
        status=refusal.status,
        code=refusal.code,
        request_id=request_id(request),
        detail=refusal.detail,
        errors=[FieldFault(field, message) for field, message in refusal.faults],
    )
    members = msgspec.to_builtins(refusal.extension) if refusal.extension else {}
    response = body(request, encode(msgspec.to_builtins(told) | members), refusal.status, PROBLEM)
    response.headers.update(refusal.headers)
    return response


def body(request: Request, content: bytes, status: int, content_type: str, cache: str = NO_STORE) -> HTTPResponse:
    """An answer of ready bytes, compressed where it is large and the client takes gzip.

    Where `cache` lets it be kept it has an ETag, and is a 304 if that is the client's.
    """
    headers = {"X-Request-ID": request_id(request), "Cache-Control": cache}
    coding = ""
    if len(content) >= request.app.config.GZIP_MIN_BYTES:
        headers["Vary"] = "Accept-Encoding"
        coding = "gzip" if accepts_gzip(request.headers.get("accept-encoding", "")) else ""
    if cache != NO_STORE:
        headers["ETag"] = entity_tag(content, coding)
        if is_fresh(request, headers["ETag"]):
            return HTTPResponse(status=304, headers=headers)
    if coding:
        content = compressed(content)
        headers["Content-Encoding"] = coding
    return HTTPResponse(content, status=status, headers=headers, content_type=content_type)
