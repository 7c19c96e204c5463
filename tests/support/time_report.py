"""Report at the end of a run how long the tests of each folder took."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

PHASES = ("setup", "call", "teardown")


class TimeReport:
    """A plugin for the process that prints. Under pytest-xdist it gets the reports of all workers."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        folder = "/".join(PurePosixPath(report.nodeid.partition("::")[0]).parts[:2])
        self._seconds[folder][report.when] += report.duration
        self._tests[folder] += report.when == "setup"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if len(self._seconds) > 1:
            terminalreporter.section("seconds by folder, summed over processes")
            for line in self.lines():
                terminalreporter.write_line(line)

    def lines(self) -> Iterator[str]:
        """Yield a head line, then a line for each folder, the slowest first, then the total."""
        yield _line("", "tests", *PHASES)
        for folder, seconds in sorted(self._seconds.items(), key=lambda item: -item[1].total()):
            yield _line(folder, self._tests[folder], *(f"{seconds[phase]:.1f}" for phase in PHASES))
        total = sum(self._seconds.values(), Counter())
        yield _line("all", self._tests.total(), *(f"{total[phase]:.1f}" for phase in PHASES))


def _line(folder: str, *figures: object) -> str:
    return f"{folder:<24}" + "".join(f"{figure!s:>10}" for figure in figures)
