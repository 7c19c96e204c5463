"""Count the pairs of a route and a caller that the tests of rights have tried."""

from typing import Final

import pytest

PAIRS: Final = "pairs of routes and callers"


class PairReport:
    """A plugin for the process that prints. Under pytest-xdist it gets the reports of all workers."""

    def __init__(self) -> None:
        self._pairs = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._pairs += sum(int(str(value)) for name, value in report.user_properties if name == PAIRS)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._pairs:
            terminalreporter.write_line(f"rights: {self._pairs:,} {PAIRS} tried")
