"""Map FCM's responses to outcomes for a token.

The codes are those of https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode.
"""

from datetime import datetime

import msgspec
from httpx import Response
from msgspec import Struct, field

from grome.infrastructure.retry_after import read_retry_after
from grome.notifications.push.messages import Failed, Gone, Outcome, Sent

OK, BAD_REQUEST, UNAUTHORIZED, TOO_MANY_REQUESTS, SERVER_ERROR = 200, 400, 401, 429, 500
# Google's recommended wait after a 429 without Retry-After.
QUOTA_WAIT_S = 60.0


class _Accepted(Struct, frozen=True):
    name: str


class _Violation(Struct, frozen=True):
    field: str = ""


class _Detail(Struct, frozen=True):
    error_code: str = field(default="", name="errorCode")
    violations: list[_Violation] = field(default=[], name="fieldViolations")


class _Error(Struct, frozen=True):
    status: str = ""
    message: str = ""
    details: list[_Detail] = []


class _Refused(Struct, frozen=True):
    error: _Error = _Error()


def parse_response(answer: Response, now: datetime) -> Outcome:
    """Return the outcome of a response.

    Reasons contain FCM's codes, never its messages, which can contain the token.
    """
    if answer.status_code == OK:
        try:
            return Sent(msgspec.json.decode(answer.content, type=_Accepted).name)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Failed("FCM answered 200 without a message's name")
    error = _error(answer)
    code = _code(error)
    reason = f"FCM answered {answer.status_code} {code}".rstrip()
    # A 404 without FCM's own code means a wrong address or project, not an invalid token.
    if code in {"UNREGISTERED", "SENDER_ID_MISMATCH"} or _is_about_the_token(code, error):
        return Gone(reason)
    if answer.status_code == BAD_REQUEST:
        return Failed(reason, final=True)
    return Failed(reason, _retry_after_s(answer, now))


def is_access_token_refused(answer: Response) -> bool:
    """Return whether FCM refused our access token.

    A 401 can also be Apple's if the Firebase project lacks its key; a new access token would not help there.
    """
    return answer.status_code == UNAUTHORIZED and _code(_error(answer)) != "THIRD_PARTY_AUTH_ERROR"


def _error(answer: Response) -> _Error:
    """Return the error of a response; empty if the response is not FCM's, e.g. a proxy's page."""
    try:
        return msgspec.json.decode(answer.content, type=_Refused).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Error()


def _code(error: _Error) -> str:
    return next((detail.error_code for detail in error.details if detail.error_code), error.status)


def _is_about_the_token(code: str, error: _Error) -> bool:
    """Return whether INVALID_ARGUMENT means the token; a message that is too large or malformed has the same code."""
    if code != "INVALID_ARGUMENT":
        return False
    fields = {violation.field for detail in error.details for violation in detail.violations}
    return "message.token" in fields or (not fields and "registration token" in error.message)


def _retry_after_s(answer: Response, now: datetime) -> float | None:
    if answer.status_code != TOO_MANY_REQUESTS and answer.status_code < SERVER_ERROR:
        return None
    retry_after_s = read_retry_after(answer.headers.get("retry-after"), now)
    return QUOTA_WAIT_S if retry_after_s is None and answer.status_code == TOO_MANY_REQUESTS else retry_after_s
