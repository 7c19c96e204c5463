"""Live people need the relay of a job worker, so these tests have a Grome of their own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http
from tests.support.processes import RunningGrome, running_grome

# Load scenarios import the modules beside them, as Locust has it.
sys.path.append(str(Path(__file__).parents[2] / "locustfiles"))

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "load", 2)


@pytest.fixture(scope="session")
def running(settings: Settings, database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGrome]:  # noqa: ARG001
    with running_grome(settings, tmp_path_factory.mktemp("running")) as started:
        yield started
