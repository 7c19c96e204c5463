"""Dependency injection: each object of a process is built at its first use, by the provider of its type."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from inspect import isawaitable
from typing import Any, TypeVar, get_type_hints

from config.settings import Settings
from grome.common.clock import Clock
from grome.infrastructure.mongo.client import Database

T = TypeVar("T")
Provider = Callable[["Container"], T]


class DuplicateProviderError(Exception):
    """Two provider functions return the same type."""


class MissingProviderError(Exception):
    """No provider function returns the type."""


class ProviderCircleError(Exception):
    """Providers need each other, directly or through others."""


class Providers:
    """Maps types to provider functions. A function is registered under its return annotation."""

    def __init__(self, *parts: "Providers") -> None:
        """Join `parts`. Raises DuplicateProviderError if two of them provide the same type."""
        self._by_type: dict[type[Any], Provider[Any]] = {}
        for part in parts:
            for kind, provider in part._by_type.items():  # noqa: SLF001 -- of the same class
                self._register(kind, provider)

    def __iter__(self) -> Iterator[type[Any]]:
        return iter(self._by_type)

    def provide(self, provider: Provider[T]) -> Provider[T]:
        """Register a provider function; used as a decorator. Raises DuplicateProviderError."""
        self._register(get_type_hints(provider)["return"], provider)
        return provider

    def find(self, kind: type[T]) -> Provider[T] | None:
        """Return None if no function provides the type."""
        return self._by_type.get(kind)

    def _register(self, kind: type[Any], provider: Provider[Any]) -> None:
        if kind in self._by_type:
            raise DuplicateProviderError(f"{_name(kind)} has two providers")
        self._by_type[kind] = provider


class Container:
    """Holds the settings, the clock and the objects of a process; belongs to the event loop that opens it.

    `close` runs the registered closers in reverse order.
    """

    def __init__(self, settings: Settings, clock: Clock, providers: Providers) -> None:
        self.settings, self.clock = settings, clock
        self._providers = providers
        self._built: dict[type[Any], Any] = {}
        self._building: list[type[Any]] = []
        self._closers = AsyncExitStack()

    @property
    def database(self) -> Database:
        return self.get(Database)

    def get(self, kind: type[T]) -> T:
        """Return the one object of a type, built at the first call.

        Raises MissingProviderError, ProviderCircleError, and the errors of the provider, which runs again at the next
        call.
        """
        built: T | None = self._built.get(kind)
        return self._build(kind) if built is None else built

    def close_with(self, close: Callable[[], object]) -> None:
        """Call `close` when the container closes, and await its result if it is awaitable."""
        self._closers.push_async_callback(_close, close)

    async def close(self) -> None:
        await self._closers.aclose()

    def _build(self, kind: type[T]) -> T:
        path = [*self._building, kind]
        if kind in self._building:
            raise ProviderCircleError(_path(path))
        provider = self._providers.find(kind)
        if provider is None:
            raise MissingProviderError(f"{_path(path)} has no provider")
        self._building.append(kind)
        try:
            built = provider(self)
        finally:
            self._building.pop()
        self._built[kind] = built
        return built


async def _close(close: Callable[[], object]) -> None:
    closed = close()
    if isawaitable(closed):
        await closed


def _path(kinds: list[type[Any]]) -> str:
    return " → ".join(map(_name, kinds))


def _name(kind: type[Any]) -> str:
    return getattr(kind, "__name__", repr(kind))
