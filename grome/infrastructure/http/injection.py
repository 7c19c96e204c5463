"""Objects of the process, as route handlers reach them."""

from typing import TypeVar

from sanic import Request

from grome.infrastructure.container import Container

T = TypeVar("T")


def resolve(request: Request, kind: type[T]) -> T:
    """Return the process's object of a type, e.g. a service."""
    return container_of(request).get(kind)


def container_of(request: Request) -> Container:
    container: Container = request.app.ctx.container
    return container
