"""The composition provides each type that the product asks for, and starts or stops as a whole."""

import ast
import asyncio
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.settings import Settings
from grome.composition import PROVIDERS, open_container
from grome.infrastructure.container import MissingProviderError

ROOT = Path(__file__).parent.parent.parent


async def test_every_provider_builds_its_object(settings: Settings) -> None:
    paid = msgspec.structs.replace(settings.stripe, secret_key="sk_test_never_used")
    container = await open_container(msgspec.structs.replace(settings, stripe=paid))
    try:
        assert all(container.get(kind) is container.get(kind) for kind in PROVIDERS)
    finally:
        await container.close()


def test_requested_types_are_exactly_the_provided_types() -> None:
    """A type without a provider would fail at its first request; a provider that nothing needs is dead."""
    asked = {kind for top in ("grome", "workers") for path in (ROOT / top).rglob("*.py") for kind in _asked_in(path)}
    assert asked == set(PROVIDERS)


def _asked_in(path: Path) -> Iterator[Any]:
    """Yield the types in `resolve(request, X)`, `container.get(X)` and `get(X)` of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=func, args=[*_, ast.Name(id=name)]) if name[0].isupper():
                if ast.unparse(func).endswith(("container.get", "self.get")) or ast.unparse(func) in ("get", "resolve"):
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                    yield getattr(importlib.import_module(module), name)


async def test_failed_start_stops_the_started_subscriptions(settings: Settings) -> None:
    """The subscriptions to ended sessions and changed barbers are tasks that have their channels as names."""
    redis = msgspec.structs.replace(settings.redis, namespace="start-that-fails")
    apart = msgspec.structs.replace(settings, redis=redis)
    container = await open_container(apart)
    assert len(_tasks_of(redis.namespace)) == 2
    await container.close()

    push = msgspec.structs.replace(settings.push, transport="fcm", service_account="{}")
    with pytest.raises(ValueError, match="service account"):
        await open_container(msgspec.structs.replace(apart, push=push))
    assert _tasks_of(redis.namespace) == []


def _tasks_of(namespace: str) -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(namespace)]


async def test_type_without_a_provider_is_named_in_the_error(settings: Settings) -> None:
    container = await open_container(settings)
    try:
        with pytest.raises(MissingProviderError, match="Settings has no provider"):
            container.get(Settings)
    finally:
        await container.close()
