"""The page about security names every requirement of levels 1 and 2 once, and tests that exist."""

import ast
import re
from functools import cache

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
_NAMED = re.compile(r"`([\w./-]+\.py)::(test_\w+)`")
_ITEM = re.compile(r"^\| ([\d., ]+) \|", re.MULTILINE)
# Each section of ASVS 5.0 with the number of its requirements, and the requirements of level 3.
_SECTIONS = (
    "1.1:2 1.2:10 1.3:12 1.4:3 1.5:3 2.1:3 2.2:3 2.3:5 2.4:2 3.1:1 3.2:3 3.3:5 3.4:8 3.5:8 3.6:1 3.7:5 4.1:5 "
    "4.2:5 4.3:2 4.4:4 5.1:1 5.2:6 5.3:3 5.4:3 6.1:3 6.2:12 6.3:8 6.4:6 6.5:8 6.6:4 6.7:2 6.8:4 7.1:3 7.2:4 "
    "7.3:2 7.4:5 7.5:3 7.6:2 8.1:4 8.2:4 8.3:3 8.4:2 9.1:3 9.2:4 10.1:2 10.2:3 10.3:5 10.4:16 10.5:5 10.6:2 "
    "10.7:3 11.1:4 11.2:5 11.3:5 11.4:4 11.5:2 11.6:2 11.7:2 12.1:5 12.2:2 12.3:5 13.1:4 13.2:6 13.3:4 13.4:7 "
    "14.1:2 14.2:8 14.3:3 15.1:5 15.2:5 15.3:7 15.4:4 16.1:1 16.2:5 16.3:4 16.4:3 16.5:4 17.1:2 17.2:8 17.3:2"
)
_LEVEL_3 = (
    "1.2.10 1.3.12 1.5.3 2.3.5 2.4.2 3.1.1 3.2.3 3.3.5 3.4.7 3.4.8 3.5.6 3.5.7 3.5.8 3.6.1 3.7.3 3.7.4 3.7.5 "
    "4.1.4 4.1.5 4.2.2 4.2.3 4.2.4 4.2.5 5.2.4 5.2.5 5.2.6 5.3.3 6.3.5 6.3.6 6.3.7 6.3.8 6.4.5 6.4.6 6.5.6 "
    "6.5.7 6.5.8 6.6.4 6.7.1 6.7.2 7.5.3 8.1.3 8.1.4 8.2.4 8.3.2 8.3.3 8.4.2 10.2.3 10.3.5 10.4.12 10.4.13 "
    "10.4.14 10.4.15 10.4.16 11.1.3 11.1.4 11.2.4 11.2.5 11.3.4 11.3.5 11.5.2 11.6.2 11.7.1 11.7.2 12.1.4 "
    "12.1.5 12.3.5 13.1.2 13.1.3 13.1.4 13.2.6 13.3.3 13.3.4 13.4.6 13.4.7 14.2.5 14.2.6 14.2.7 14.2.8 15.1.4 "
    "15.1.5 15.2.4 15.2.5 15.4.1 15.4.2 15.4.3 15.4.4 16.5.4 17.1.2 17.2.5 17.2.6 17.2.7 17.2.8"
)


def test_every_requirement_of_levels_1_and_2_is_named_once() -> None:
    sections = [each.split(":") for each in _SECTIONS.split()]
    every = {f"{section}.{number}" for section, count in sections for number in range(1, int(count) + 1)}
    level_3 = set(_LEVEL_3.split())
    assert every >= level_3
    named = [item for cell in _ITEM.findall(PAGE) for item in cell.split(", ")]
    assert sorted(named) == sorted(set(named))
    assert set(named) == every - level_3
    assert len(named) == 253


def test_every_named_test_exists() -> None:
    named = _NAMED.findall(PAGE)
    assert len(named) > 200
    assert [f"{file}::{name}" for file, name in named if name not in _tests_of(file)] == []


def test_every_risk_of_the_api_top_10_is_named_once() -> None:
    assert re.findall(r"^\| API(\d+) \|", PAGE, re.MULTILINE) == [str(number) for number in range(1, 11)]


def test_every_locked_package_has_a_hash() -> None:
    for lock in ("uv", "production", "dev", "bench"):
        packages = (ROOT / f"requirements/{lock}.txt").read_text().split("\n")
        pinned = [number for number, line in enumerate(packages) if re.match(r"[\w.-]+(\[[\w,-]+\])?==", line)]
        assert pinned
        for number in pinned:
            assert "--hash=sha256:" in packages[number + 1], packages[number]


@cache
def _tests_of(file: str) -> set[str]:
    """Return the names of the test functions of a file, also those in classes; empty if there is no file."""
    path = ROOT / "tests" / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions) and node.name.startswith("test_")}
