"""These tests count all that is there and stop the clock, so they have a Grome of their own."""

import os
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

from config.settings import Settings
from grome.context import AppContext
from tests.one_grome import apart, database
from tests.stateful.stopped import StoppedClock

__all__ = ["database"]

# `make hunt`: as many examples as there is time for, each time others.
hypothesis_settings.register_profile("hunt", max_examples=100_000, derandomize=False, print_blob=True)
hypothesis_settings.register_profile(
    "brief", max_examples=30, derandomize=True, database=None, phases=set(Phase) - {Phase.explain, Phase.reuse}
)


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    bookings = msgspec.structs.replace(settings.bookings, answer_within_min=120)
    return msgspec.structs.replace(apart(settings, "stateful", 15), bookings=bookings)


@pytest.fixture(scope="session")
def stopped() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(scope="session")
async def grome(settings: Settings, stopped: StoppedClock, database: None) -> AsyncIterator[AppContext]:  # noqa: ARG001
    context = await AppContext.open(settings, stopped)
    yield context
    await context.close()


hypothesis_settings.register_profile(
    "raw",
    max_examples=int(os.environ.get("MOST", "100")),
    derandomize=False,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
