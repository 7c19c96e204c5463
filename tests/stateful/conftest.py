"""Provide a separate application: these tests read all documents and stop the clock."""

import os
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from config.settings import Settings
from grome.composition import open_container
from grome.infrastructure.container import Container
from tests.stateful.manual_clock import StoppedClock
from tests.support.app import apart, database

__all__ = ["database"]

# `make test` runs a few examples, always the same. `make hunt` runs many, each time others, and stops at the first that
# fails, as it was: `--hypothesis-profile=shrink` beside its seed then makes it small.
_MOST = int(os.environ.get("EXAMPLES", "500"))
hypothesis_settings.register_profile(
    "brief", max_examples=18, derandomize=True, database=None, phases=[Phase.generate, Phase.shrink]
)
hypothesis_settings.register_profile("hunt", max_examples=_MOST, database=None, phases=[Phase.generate])
hypothesis_settings.register_profile("shrink", max_examples=_MOST, database=None, phases=[Phase.generate, Phase.shrink])


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    bookings = msgspec.structs.replace(settings.bookings, answer_within_min=120)
    return msgspec.structs.replace(apart(settings, "stateful", 15), bookings=bookings)


@pytest.fixture(scope="session")
def stopped() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(scope="session")
async def grome(settings: Settings, stopped: StoppedClock, database: None) -> AsyncIterator[Container]:  # noqa: ARG001
    container = await open_container(settings, stopped)
    yield container
    await container.close()
