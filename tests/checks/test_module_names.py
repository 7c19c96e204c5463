"""`python -m checks` reports modules of tests that have the same base name."""

from pathlib import Path

import pytest

from checks.module_names import against_unique_names


def found(root: Path, *paths: str) -> list[str]:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return [str(finding) for finding in against_unique_names(root)]


def test_second_module_of_a_name_is_reported_with_the_first(tmp_path: Path) -> None:
    assert found(tmp_path, "tests/bookings/test_moves.py", "tests/series/deep/test_moves.py") == [
        "tests/series/deep/test_moves.py:1: the name is taken by tests/bookings/test_moves.py"
    ]


@pytest.mark.parametrize("other", ["tests/series/test_moving.py", "tests/series/moves.py", "grome/test_moves.py"])
def test_module_of_another_name_or_outside_the_tests_is_not_reported(tmp_path: Path, other: str) -> None:
    assert found(tmp_path, "tests/bookings/test_moves.py", "tests/bookings/moves.py", other) == []
