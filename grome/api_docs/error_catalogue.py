"""Collect the errors that clients can get, by their code, from the subclasses of ApiError."""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from msgspec import Struct

from grome.common.errors import ApiError
from grome.infrastructure.http import Routes
from grome.infrastructure.http.routing import Operation


@dataclass(frozen=True, slots=True)
class OperationLink:
    """Names an operation that can answer an error. `id` is the anchor on the docs page."""

    id: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class DocumentedError:
    """Describes an error. `cause` and `remedy` are prose in paragraphs, with code in backticks.

    The fields of `extension` are further members of its problem.
    """

    code: str
    status: int
    title: str
    cause: str
    remedy: str
    extension: type[Struct] | None
    operations: tuple[OperationLink, ...]

    @property
    def phrase(self) -> str:
        return HTTPStatus(self.status).phrase


def list_errors(features: Iterable[Routes]) -> dict[str, DocumentedError]:
    """Return all errors, ordered by status and code. A subclass without a code of its own belongs to its parent's."""
    raised_by: dict[str, list[OperationLink]] = {}
    for feature in features:
        for operation in feature.operations:
            for code in {error.code for error in operation.refusals}:
                raised_by.setdefault(code, []).append(_link(feature, operation))
    errors = [
        DocumentedError(
            code=error.code,
            status=error.status,
            title=error.title,
            cause=inspect.cleandoc(error.__doc__ or ""),
            remedy=error.remedy,
            extension=error.extension_type,
            operations=tuple(raised_by.get(error.code, ())),
        )
        for error in iter_error_types()
        if "code" in vars(error)
    ]
    return {error.code: error for error in sorted(errors, key=lambda error: (error.status, error.code))}


def iter_error_types(parent: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    """Iterate over the loaded subclasses of ApiError; the application has loaded all of them."""
    for error in parent.__subclasses__():
        yield error
        yield from iter_error_types(error)


def _link(feature: Routes, operation: Operation) -> OperationLink:
    return OperationLink(operation.handler.__name__, operation.method, feature.prefix + operation.path)
