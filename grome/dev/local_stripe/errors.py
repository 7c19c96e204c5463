"""Errors in the shape of Stripe's API."""

from typing import Any

Json = dict[str, Any]


class StripeError(Exception):
    """An answer with an error. `fields` go into the `error` object beside type, code and message."""

    def __init__(self, status: int, kind: str, code: str | None, message: str, **fields: object) -> None:
        super().__init__(message)
        self.status, self.kind, self.code, self.message, self.fields = status, kind, code, message, fields

    def body(self) -> Json:
        error: Json = {"type": self.kind, "message": self.message, **self.fields}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            }
        return {"error": error}


class UnstoredError(StripeError):
    """An error raised before execution began: it is not stored under the idempotency key."""


def invalid(message: str, code: str | None = None, param: str | None = None) -> StripeError:
    """Make the error of a request that the state of an object refuses."""
    return StripeError(400, "invalid_request_error", code, message, **({"param": param} if param else {}))


def malformed(message: str, code: str | None, param: str | None) -> UnstoredError:
    """Make the error of a request with wrong params."""
    return UnstoredError(400, "invalid_request_error", code, message, **({"param": param} if param else {}))


def missing(kind: str, object_id: str, param: str = "id") -> StripeError:
    name = kind.replace("_", " ")
    return StripeError(404, "invalid_request_error", "resource_missing", f"No such {name}: '{object_id}'", param=param)


def conflict(code: str, message: str) -> UnstoredError:
    return UnstoredError(409, "invalid_request_error", code, message)
