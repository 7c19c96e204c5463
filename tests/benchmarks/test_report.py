"""Tests of the benchmark report, and of writing it into the README."""

from pathlib import Path

import pytest

from benchmarks.__main__ import SECTIONS
from benchmarks.report import README, Table, write
from benchmarks.rounds import NOT_COUNTED, Spread
from benchmarks.targets import Target

MARKED = "before\n<!-- nearby: begin -->\nold\n<!-- nearby: end -->\nafter <!-- create: begin --><!-- create: end -->\n"


def test_target_is_reached_by_the_median() -> None:
    found = Spread.of([0.7, 0.95, 1.3])

    assert Target("at least", found, least=0.9).row() == ["at least", "0.95 (0.70 to 1.30)", "≥ 0.9", "yes"]
    assert Target("at most", found, most=0.9).row()[2:] == ["≤ 0.9", "NO"]


def test_target_without_a_measurement_is_neither_reached_nor_missed() -> None:
    assert Target("instructions", None, most=1.1).row() == ["instructions", NOT_COUNTED, "≤ 1.1", ""]


def test_markdown_table_aligns_figures_to_the_right() -> None:
    table = Table("Speeds", ["", "requests/s"], [["ours", "7"]], ["A note."])

    assert table.markdown() == "**Speeds**\n\n|  | requests/s |\n| --- | ---: |\n| ours | 7 |\n\nA note."


def test_write_replaces_only_the_section(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(MARKED)

    write("nearby", r"new \1", readme)

    assert readme.read_text() == MARKED.replace("\nold\n", "\n\nnew \\1\n\n")


def test_write_of_a_section_without_markers_raises(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(MARKED)

    with pytest.raises(ValueError, match="no place for the section memory"):
        write("memory", "new", readme)


@pytest.mark.parametrize("section", SECTIONS)
def test_readme_has_markers_for_each_section(section: str, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README.read_text())

    write(section, "measured", readme)

    assert f"<!-- {section}: begin -->\n\nmeasured\n\n<!-- {section}: end -->" in readme.read_text()
