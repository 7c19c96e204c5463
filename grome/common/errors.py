"""Refusals: answers, not accidents. Each is a class with a status and a stable code; `common/http` renders them."""

import math
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct


class ApiError(Exception):
    """Base of all errors that a client can get.

    `detail` is a sentence for a person, `faults` are pairs of a field's path and its fault, and `headers` go into the
    answer. The fields of `extension` become members of the problem (RFC 9457, section 3.2).
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
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
    status, code, title = 400, "malformed_body", "The body is not valid JSON in UTF-8"


class BadRequest(ApiError):
    """The HTTP layer itself refuses the request: unreadable headers, an incomplete body, and the like."""

    status, code, title = 400, "bad_request", "The request cannot be read"

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status  # type: ignore[misc]  # in this class Sanic sets the status


class Unauthenticated(ApiError):
    status, code, title = 401, "unauthenticated", "A valid access token is needed"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="grome"'})


class Forbidden(ApiError):
    status, code, title = 403, "forbidden", "Your role may not do this"


class StepUpRequired(ApiError):
    """The action needs a proof of identity of the last ten minutes: `POST /v1/auth/step-up` takes it."""

    status, code, title = 403, "step_up_required", "Please confirm that it is you"


class SecondFactorMissing(ApiError):
    """The role needs a second factor for the action, and the session was opened without one."""

    status, code, title = 403, "second_factor_missing", "Sign in with a second factor to do this"


class NotFound(ApiError):
    status, code, title = 404, "not_found", "The object does not exist, or you may not see it"


class MethodNotAllowed(ApiError):
    status, code, title = 405, "method_not_allowed", "The method is not allowed at this address"


class BodyTooLarge(ApiError):
    status, code, title = 413, "body_too_large", "The body is too large"


class TargetTooLong(ApiError):
    status, code, title = 414, "target_too_long", "The address is too long"


class UpgradeRequired(ApiError):
    """The address is for WebSockets only."""

    status, code, title = 426, "upgrade_required", "The address is for WebSocket connections"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})


class TooManyRequests(ApiError):
    """A budget is used up; the header `Retry-After` says in how many seconds there is a new one."""

    status, code, title = 429, "too_many_requests", "Too many requests of this kind; try again later"

    def __init__(self, wait_s: float) -> None:
        super().__init__(headers={"Retry-After": str(math.ceil(wait_s))})


class HeadTooLarge(ApiError):
    status, code, title = 431, "head_too_large", "The headers are too large"


class NotImplementedHere(ApiError):
    """A way of sending a request that HTTP knows and this server does not."""

    status, code, title = 501, "not_implemented", "The server does not support this form of request"


class VersionNotSupported(ApiError):
    status, code, title = 505, "version_not_supported", "The server supports HTTP/1.1"


class UnsupportedMediaType(ApiError):
    status, code, title = 415, "unsupported_media_type", "Bodies are sent as application/json, not compressed"


class Invalid(ApiError):
    """Input that can be read but not accepted; `Invalid("price", "must be positive")` names the field."""

    status, code, title = 422, "invalid", "The input is not acceptable"

    def __init__(self, field: str, message: str, *more: tuple[str, str]) -> None:
        super().__init__(f"{field}: {message}", faults=((field, message), *more))


class Unavailable(ApiError):
    status, code, title = 503, "unavailable", "A service that the request needs does not respond; try again"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class InternalError(ApiError):
    """Our fault, and the only answer that pages somebody. The log has the rest under the same request id."""

    status, code, title = 500, "internal_error", "Something went wrong on our side"
