"""Refusals: answers, not accidents. Each is a class with a status and a stable code; `common/http` renders them."""

import math
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct


class ApiError(Exception):
    """Base of all errors that a client can get.

    `detail` is a sentence for a person, `faults` are pairs of a field's path and its fault, and `headers` go into the
    answer. The fields of `extension` become members of the problem (RFC 9457, section 3.2). `/docs/errors/<code>` shows
    the docstring of a class as the cause, and `remedy`, the advice to clients.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    remedy: ClassVar[str]
    extension_type: ClassVar[type[Struct] | None] = None

    def __init__(
        self,
        detail: str = "",
        *,
        faults: tuple[tuple[str, str], ...] = (),
        headers: Mapping[str, str] | None = None,
        extension: Struct | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.faults = faults
        self.headers = dict(headers or {})
        self.extension = extension


class MalformedBody(ApiError):
    """The body is not JSON, is cut off, or is not encoded in UTF-8."""

    status, code, title = 400, "malformed_body", "The body is not valid JSON in UTF-8"
    remedy = "Send one complete JSON document in UTF-8."


class BadRequest(ApiError):
    """The server cannot read the request: its line, its headers or the framing of its body break HTTP/1.1."""

    status, code, title = 400, "bad_request", "The request cannot be read"
    remedy = "Correct the request as `detail` says. Use an HTTP library rather than writing requests by hand."

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status  # type: ignore[misc]  # in this class Sanic sets the status


class Unauthenticated(ApiError):
    """The request has no access token, or its token is malformed, expired or revoked."""

    status, code, title = 401, "unauthenticated", "A valid access token is needed"
    remedy = "Refresh the access token by `POST /v1/auth/refresh`, or sign in again, and repeat the request."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="grome"'})


class Forbidden(ApiError):
    """The token is valid, but accounts of its role may not call this operation."""

    status, code, title = 403, "forbidden", "Your role may not do this"
    remedy = "Sign in with an account of a role that the operation lists. A repeat with the same account fails again."


class StepUpRequired(ApiError):
    """The action needs a proof of identity of the last ten minutes: `POST /v1/auth/step-up` takes it."""

    status, code, title = 403, "step_up_required", "Please confirm that it is you"
    remedy = (
        "Ask the user for the password or a second factor, send it to `POST /v1/auth/step-up`, and repeat the request."
    )


class SecondFactorMissing(ApiError):
    """The role needs a second factor for the action, and the session was opened without one."""

    status, code, title = 403, "second_factor_missing", "Sign in with a second factor to do this"
    remedy = "Add a second factor under `/v1/me/factors` if there is none, then sign in with it."


class NotFound(ApiError):
    """No object has this id, it belongs to another account, or there is no such address."""

    status, code, title = 404, "not_found", "The object does not exist, or you may not see it"
    remedy = "Check the id and the path. Remove the object from lists that the client keeps."


class MethodNotAllowed(ApiError):
    """The address exists, but takes other methods."""

    status, code, title = 405, "method_not_allowed", "The method is not allowed at this address"
    remedy = "Use a method that the header `Allow` names."


class BodyTooLarge(ApiError):
    """The body is larger than the server accepts."""

    status, code, title = 413, "body_too_large", "The body is too large"
    remedy = "Send a smaller body. Files are uploaded by the form that `POST /v1/uploads` returns."


class TargetTooLong(ApiError):
    """The path and the query together are longer than the server reads."""

    status, code, title = 414, "target_too_long", "The address is too long"
    remedy = "Shorten the query."


class UpgradeRequired(ApiError):
    """The address is for WebSockets only."""

    status, code, title = 426, "upgrade_required", "The address is for WebSocket connections"
    remedy = "Open the address with a WebSocket client, which sends `Upgrade: websocket`."

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})


class TooManyRequests(ApiError):
    """A budget is used up; the header `Retry-After` says in how many seconds there is a new one."""

    status, code, title = 429, "too_many_requests", "Too many requests of this kind; try again later"
    remedy = "Wait for the seconds in `Retry-After`, then repeat the request. `RateLimit` shows the rest of the budget."

    def __init__(self, wait_s: float) -> None:
        super().__init__(headers={"Retry-After": str(math.ceil(wait_s))})


class HeadTooLarge(ApiError):
    """The headers together are larger than the server reads."""

    status, code, title = 431, "head_too_large", "The headers are too large"
    remedy = "Send fewer or shorter headers and cookies."


class NotImplementedHere(ApiError):
    """HTTP knows this form of request, and this server does not, e.g. a transfer coding other than chunked."""

    status, code, title = 501, "not_implemented", "The server does not support this form of request"
    remedy = "Send an ordinary request with `Content-Length` or `Transfer-Encoding: chunked`."


class VersionNotSupported(ApiError):
    """The request names a version of HTTP other than 1.0 and 1.1."""

    status, code, title = 505, "version_not_supported", "The server supports HTTP/1.1"
    remedy = "Send the request in HTTP/1.1."


class UnsupportedMediaType(ApiError):
    """The body has another content type than the operation reads, or is compressed."""

    status, code, title = 415, "unsupported_media_type", "Bodies are sent as application/json, not compressed"
    remedy = "Send JSON with `Content-Type: application/json` and without `Content-Encoding`."


class Invalid(ApiError):
    """The request was read, and a value in it is not accepted; `errors` names each field at fault."""

    status, code, title = 422, "invalid", "The input is not acceptable"
    remedy = (
        "Correct the fields in `errors`, and show each message beside its field. A repeat without a change fails again."
    )

    def __init__(self, field: str, message: str, *more: tuple[str, str], is_cut: bool = False) -> None:
        faults = ((field, message), *more)
        rest = f" (the first of {'more than ' if is_cut else ''}{len(faults)} faults)" if more else ""
        super().__init__(f"{field}: {message}{rest}", faults=faults)


class Unavailable(ApiError):
    """A database or service does not respond, or the server is overloaded or restarting."""

    status, code, title = 503, "unavailable", "A service that the request needs does not respond; try again"
    remedy = (
        "Repeat the request after the seconds in `Retry-After`, a few times, with growing pauses. Repeat a POST "
        "with the same `Idempotency-Key`."
    )

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class InternalError(ApiError):
    """A fault of the server; its log has the traceback under the same request id."""

    status, code, title = 500, "internal_error", "Something went wrong on our side"
    remedy = "Repeat the request once. If it fails again, report the `request_id` to the operator."
