"""The report of times at the end of a test run."""

from typing import Literal

import pytest

from tests.support.time_report import TimeReport


def report(test_id: str, phase: Literal["setup", "call", "teardown"], seconds: float) -> pytest.TestReport:
    return pytest.TestReport(test_id, (test_id, None, ""), {}, "passed", None, phase, duration=seconds)


def test_time_report_sums_phases_by_folder_and_lists_the_slowest_first() -> None:
    times = TimeReport()
    for file, seconds in [
        ("tests/api/test_http.py", 0.5),
        ("tests/nearby/a/test_map.py", 2),
        ("tests/api/test_x.py", 1),
    ]:
        times.pytest_runtest_logreport(report(f"{file}::test[a/b::c]", "setup", seconds / 2))
        times.pytest_runtest_logreport(report(f"{file}::test[a/b::c]", "call", seconds))
    assert [line.split() for line in times.lines()] == [
        ["tests", "setup", "call", "teardown"],
        ["tests/nearby", "1", "1.0", "2.0", "0.0"],
        ["tests/api", "2", "0.8", "1.5", "0.0"],
        ["all", "3", "1.8", "3.5", "0.0"],
    ]


def test_time_report_counts_a_skipped_test() -> None:
    times = TimeReport()
    times.pytest_runtest_logreport(report("tests/api/test_http.py::test", "setup", 0))
    assert [line.split()[:2] for line in times.lines()][1:] == [["tests/api", "1"], ["all", "1"]]
