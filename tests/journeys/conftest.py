"""One Grome in its own processes for all journeys, on the database that the other tests use too."""

from collections.abc import Iterator

import pytest

from config.settings import Settings
from tests.running import Running, running_grome


@pytest.fixture(scope="session")
def running(settings: Settings, database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:  # noqa: ARG001
    with running_grome(settings, tmp_path_factory.mktemp("running")) as started:
        yield started
