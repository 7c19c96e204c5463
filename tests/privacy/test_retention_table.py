"""The table of retention in docs/operations/data.md agrees with indexes and cron entries."""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.privacy.test_inventory import all_specs
from workers.registry import CRON

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "data.md"
_DAY_S = 86_400


class Line(NamedTuple):
    collections: list[str]
    ended_by: str
    when: str


def table() -> list[Line]:
    section = PAGE.read_text(encoding="utf-8").partition("\n## Retention\n")[2].partition("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [Line(re.findall(r"`(\w+)`", names), ended_by, when) for names, ended_by, when in cells]


def expiries(collection: str) -> list[int]:
    """Return the seconds of the TTL indexes."""
    found = (index.document.get("expireAfterSeconds") for index in all_specs()[collection].indexes)
    return [seconds for seconds in found if seconds is not None]


def test_every_collection_has_one_line_in_the_retention_table() -> None:
    assert Counter(name for line in table() for name in line.collections) == Counter(all_specs().keys())


def test_retention_table_names_ttl_indexes_exactly_where_they_are_with_their_days() -> None:
    for line in table():
        for name in line.collections:
            found = expiries(name)
            assert ("TTL index" in line.ended_by) is bool(found), name
            assert [days for seconds in found if (days := seconds // _DAY_S) and f"{days:,} day" not in line.when] == []


def test_retention_table_names_only_cron_entries_that_run() -> None:
    crons = {entry.function.__name__ for entry in CRON}
    for line in table():
        named = set(re.findall(r"`(\w+)`", line.ended_by))
        assert named <= crons, line
        assert named or line.ended_by in {"TTL index", "never"}, line
        assert line.when, line
