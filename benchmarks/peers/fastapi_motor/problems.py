"""Errors as `application/problem+json`, with the codes that Grome's contract names."""

from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse


class Problem(Exception):
    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


async def answer_problem(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)  # noqa: S101 -- registered for this class alone
    return _answer(problem.status, problem.code, problem.detail, [])


async def answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- as above
    faults = [
        {"field": ".".join(str(step) for step in fault["loc"][1:]), "message": fault["msg"]} for fault in error.errors()
    ]
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "The input is not acceptable", faults)


def _answer(status: HTTPStatus, code: str, detail: str, faults: list[dict[str, str]]) -> JSONResponse:
    told = {"type": "about:blank", "title": status.phrase, "status": status, "code": code, "detail": detail}
    if faults:
        told["errors"] = faults
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(told, status, headers=headers, media_type="application/problem+json")
