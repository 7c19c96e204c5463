"""The container builds each object once, by the provider of its type, and closes in reverse."""

from dataclasses import dataclass, field
from typing import Protocol

import pytest

from config.loading import load_settings
from grome.common.clock import system_clock
from grome.infrastructure.container import (
    Container,
    DuplicateProviderError,
    MissingProviderError,
    ProviderCircleError,
    Providers,
)


class Engine:
    pass


class Gearbox:
    pass


@dataclass
class Car:
    engine: Engine
    gearbox: Gearbox


class Vehicle(Protocol):
    engine: Engine


@dataclass
class Log:
    """The recorded calls, in order."""

    lines: list[str] = field(default_factory=list)


def opened(*parts: Providers) -> Container:
    return Container(load_settings({"GROME_ENV": "test"}), system_clock, Providers(*parts))


def engines() -> Providers:
    providers = Providers()

    @providers.provide
    def engine(_container: Container) -> Engine:
        return Engine()

    return providers


def cars() -> Providers:
    providers = Providers()

    @providers.provide
    def car(container: Container) -> Car:
        return Car(container.get(Engine), container.get(Gearbox))

    return providers


def test_container_builds_an_object_at_its_first_use_and_keeps_it() -> None:
    providers, built = Providers(), []

    @providers.provide
    def engine(_container: Container) -> Engine:
        built.append("engine")
        return Engine()

    container = opened(providers)
    assert built == []
    assert container.get(Engine) is container.get(Engine)
    assert built == ["engine"]
    assert opened(providers).get(Engine) is not container.get(Engine), "each container has its own"


def test_container_returns_the_implementation_of_a_protocol() -> None:
    providers = Providers()

    @providers.provide
    def vehicle(container: Container) -> Vehicle:
        return Car(container.get(Engine), Gearbox())

    container = opened(providers, engines())
    assert container.get(Vehicle).engine is container.get(Engine)


def test_provider_can_be_called_as_a_plain_function() -> None:
    @Providers().provide
    def engine(_container: Container) -> Engine:
        return Engine()

    assert isinstance(engine(opened()), Engine)


def test_second_provider_of_a_type_is_refused_at_registration() -> None:
    providers = engines()
    with pytest.raises(DuplicateProviderError, match="Engine has two providers"):

        @providers.provide
        def another(_container: Container) -> Engine:
            return Engine()

    with pytest.raises(DuplicateProviderError, match="Engine has two providers"):
        Providers(providers, engines())


def test_type_without_a_provider_is_named_with_the_types_that_need_it() -> None:
    container = opened(cars(), engines())
    with pytest.raises(MissingProviderError, match=r"^Gearbox has no provider$"):
        container.get(Gearbox)
    with pytest.raises(MissingProviderError, match=r"^Car → Gearbox has no provider$"):
        container.get(Car)


def test_circle_of_providers_is_named_in_the_error() -> None:
    providers = Providers()

    @providers.provide
    def engine(container: Container) -> Engine:
        container.get(Car)
        return Engine()

    container = opened(cars(), providers)
    for kind, circle in ((Car, "Car → Engine → Car"), (Engine, "Engine → Car → Engine")):
        with pytest.raises(ProviderCircleError, match=f"^{circle}$"):
            container.get(kind)


async def test_failed_provider_keeps_nothing_and_runs_again() -> None:
    providers, log, faults = Providers(), Log(), [ValueError("cold"), None]

    @providers.provide
    def gearbox(container: Container) -> Gearbox:
        container.close_with(lambda: log.lines.append("closed"))
        if fault := faults.pop(0):
            raise fault
        return Gearbox()

    container = opened(providers, cars(), engines())
    with pytest.raises(ValueError, match="cold"):
        container.get(Car)
    engine = container.get(Engine)
    assert container.get(Car).engine is engine, "complete objects stay, and the rest is built again"
    await container.close()
    assert log.lines == ["closed", "closed"], "a failed provider's closers run as well"


async def test_container_close_runs_sync_and_async_closers_once_in_reverse() -> None:
    container, log = opened(), Log()

    async def close_later() -> None:
        log.lines.append("third")

    container.close_with(lambda: log.lines.append("first"))
    container.close_with(lambda: log.lines.append("second"))
    container.close_with(close_later)
    await container.close()
    await container.close()
    assert log.lines == ["third", "second", "first"]


async def test_failed_closer_does_not_stop_the_other_closers() -> None:
    container, log = opened(), Log()

    async def fail() -> None:
        raise OSError("lost")

    container.close_with(lambda: log.lines.append("first"))
    container.close_with(fail)
    with pytest.raises(OSError, match="lost"):
        await container.close()
    assert log.lines == ["first"]
