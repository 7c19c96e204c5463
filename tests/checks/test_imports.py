"""`python -m checks` reports each kind of import that the tables forbid, and no others."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from checks.findings import Finding, listed
from checks.imports import against_rules, against_tiers, circles, knots, package_graph
from checks.rules import Rule, Tiers
from checks.tiers import RULES, TIERS
from checks.tree import Tree

TREE = Tree()
SMALL = Tiers(
    foundation=(("config",), ("common",)),
    features=(("barbers",), ("bookings", "reviews")),
    entrances=(("composition",), ("app",)),
    doors=frozenset({"models"}),
    doors_of={"barbers": frozenset({"search"})},
)
COMPLETE = {
    "config/settings.py": "",
    "grome/common/ids.py": "import uuid",
    "grome/barbers/models.py": "from grome.common import ids",
    "grome/barbers/search.py": "",
    "grome/barbers/cache.py": "from . import models, search",
    "grome/bookings/models.py": "from grome.barbers.models import Barber\nfrom grome.barbers import search",
    "grome/reviews/models.py": "from grome.barbers.models import Barber",
    "grome/composition/__init__.py": "import grome.bookings.models\nfrom grome.barbers.cache import Cache",
    "grome/bookings/routes.py": "from grome.barbers.search import search\nfrom .models import Booking",
    "grome/app.py": "from grome.bookings.routes import bookings",
}


def tree_of(root: Path, files: Mapping[str, str]) -> Tree:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Tree(root)


def found(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, str(finding)) for finding in findings]


def test_imports_that_go_down_through_doors_are_not_reported(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, COMPLETE)
    assert found(against_tiers(tree, SMALL)) == []
    assert found(circles(tree)) == []


UP, SIDEWAYS, PAST = "import that goes up", "import that goes sideways", "import past the doors of a feature"


@pytest.mark.parametrize(
    ("path", "text", "rule", "imported"),
    [
        ("grome/common/up.py", "from grome.barbers.models import Barber", UP, "grome.barbers.models"),
        ("grome/common/up.py", "from grome.barbers import models", UP, "grome.barbers.models"),
        ("grome/common/up.py", "import grome.barbers.models", UP, "grome.barbers.models"),
        ("grome/common/up.py", "from ..barbers import models", UP, "grome.barbers.models"),
        ("config/up.py", "from grome.common import ids", UP, "grome.common.ids"),
        ("grome/barbers/up.py", "from grome.bookings.routes import bookings", UP, "grome.bookings.routes"),
        ("grome/bookings/up.py", "from grome.composition import PROVIDERS", UP, "grome.composition"),
        ("grome/reviews/side.py", "from grome.bookings.models import Booking", SIDEWAYS, "grome.bookings.models"),
        ("grome/bookings/past.py", "from grome.barbers.cache import Cache", PAST, "grome.barbers.cache"),
    ],
)
def test_import_against_the_tiers_is_reported(tmp_path: Path, path: str, text: str, rule: str, imported: str) -> None:
    tree = tree_of(tmp_path, {**COMPLETE, path: text})
    assert found(against_tiers(tree, SMALL)) == [(rule, f"{path}:1: imports {imported}")]


@pytest.mark.parametrize(
    "text",
    [
        "def late() -> None:\n    from grome.barbers.models import Barber",
        "if TYPE_CHECKING:\n    from grome.barbers.models import Barber",
        "try:\n    from grome.barbers.models import Barber\nexcept ImportError:\n    pass",
    ],
)
def test_import_inside_a_block_is_reported(tmp_path: Path, text: str) -> None:
    tree = tree_of(tmp_path, {**COMPLETE, "grome/common/up.py": text})
    assert found(against_tiers(tree, SMALL)) == [(UP, "grome/common/up.py:2: imports grome.barbers.models")]


def test_package_without_a_tier_is_reported(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {**COMPLETE, "grome/payments/models.py": ""})
    assert found(against_tiers(tree, SMALL)) == [
        ("package without a tier", "grome/payments/models.py:1: grome.payments.models")
    ]


def test_tier_without_a_package_is_reported(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {name: text for name, text in COMPLETE.items() if "reviews" not in name})
    assert found(against_tiers(tree, SMALL)) == [("tier without a package", "checks/tiers.py:1: reviews")]


def test_part_of_a_package_can_have_its_own_tier(tmp_path: Path) -> None:
    tiers = replace(SMALL, foundation=(("config",), ("common",), ("common.http",)))
    http = {"grome/common/http/answers.py": "from grome.common.ids import new_id"}
    assert found(against_tiers(tree_of(tmp_path, {**COMPLETE, **http}), tiers)) == []
    tree = tree_of(tmp_path, {"grome/common/pages.py": "from grome.common.http.answers import Problem"})
    assert found(against_tiers(tree, tiers)) == [(UP, "grome/common/pages.py:1: imports grome.common.http.answers")]


@pytest.mark.parametrize("indent", ["", "def late():\n    "])
def test_circle_of_files_is_reported_once(tmp_path: Path, indent: str) -> None:
    tree = tree_of(
        tmp_path,
        {
            "grome/common/a.py": f"{indent}from grome.common import b",
            "grome/common/b.py": "from grome.common.c import x",
            "grome/common/c.py": "import grome.common.a",
            "grome/common/d.py": "import grome.common.a",
        },
    )
    assert found(circles(tree)) == [
        ("circle of files", "grome/common/a.py:1: grome.common.a and grome.common.b, grome.common.c")
    ]


def test_knots_are_the_sets_of_packages_that_import_each_other(tmp_path: Path) -> None:
    assert knots(package_graph(tree_of(tmp_path, COMPLETE))) == []
    up = {
        "grome/common/up.py": "from grome.barbers.models import Barber",
        "grome/barbers/up.py": "from grome.reviews.models import Review",
    }
    assert knots(package_graph(tree_of(tmp_path, up))) == [{"grome.common", "grome.barbers", "grome.reviews"}]


def test_report_has_the_count_of_each_rule_and_the_first_places() -> None:
    findings = [Finding("import that goes up", "a.py", line, "imports b") for line in (3, 1, 2)]
    assert list(listed(findings, 2)) == [
        "\nimport that goes up: 3",
        "  a.py:1: imports b",
        "  a.py:2: imports b",
        "  and 1 more",
    ]


def test_source_tree_follows_the_tiers_without_circles_and_knots() -> None:
    assert found(against_tiers(TREE, TIERS)) == []
    assert found(circles(TREE)) == []
    assert knots(package_graph(TREE)) == []


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_source_tree_follows_each_import_rule(rule: Rule) -> None:
    assert found(against_rules(TREE, [rule])) == []


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_import_against_the_rule_is_reported(tmp_path: Path, rule: Rule) -> None:
    """A planted module is the first that the rule speaks of, and imports the first that the rule forbids."""
    module, imported = (example_of(pattern) for pattern in (rule.of[0], rule.never[0]))
    files = {f"{name.replace('.', '/')}.py": "" for name in (module, imported)}
    importer = next(iter(files))
    statement = "import os; os.environ" if imported == "os.environ" else f"import {imported}"
    tree = tree_of(tmp_path, {**files, importer: statement})
    planted = [(rule.says, f"{importer}:1: imports {imported}")]
    assert found(against_rules(tree, [rule])) == planted
    allowed = replace(rule, but=(module,))
    assert found(against_rules(tree, [allowed])) == []


def example_of(pattern: str) -> str:
    """Return a name that matches the pattern and nothing that is in the tree."""
    return pattern.replace(".*", "*").replace("*", ".planted")


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rule_has_no_unused_pattern_or_exception(rule: Rule) -> None:
    """Each pattern speaks of modules that exist, and each exception is needed."""
    for pattern in rule.of:
        assert any(replace(rule, of=(pattern,)).speaks_of(module) for module in TREE.modules), pattern
    for exception in rule.but:
        tighter = replace(rule, but=tuple(pattern for pattern in rule.but if pattern != exception))
        assert any(tighter.forbids(each.module, each.imported) for each in TREE.imports), exception


def test_every_door_of_a_package_is_imported_by_another_package() -> None:
    used = {each.imported for each in TREE.imports if TIERS.home_of(each.module) != TIERS.home_of(each.imported)}
    doors = {f"grome.{package}.{name}" for package, names in TIERS.doors_of.items() for name in names}
    assert doors - used == set()
