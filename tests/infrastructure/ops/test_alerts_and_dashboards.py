"""Alerts and dashboards name metrics that exist, and each alert has a section in the runbook."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from grome.infrastructure.container import Container
from grome.reconciliation.figures import ReconciliationFigures
from grome.reconciliation.repository import FindingRepository, ProgressRepository
from tests.builders.people import create_admin

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "deploy" / "prometheus"
RULE_FILES: Final = ("alerts.yml", "payments.yml")
# Prometheus itself has this metric.
OF_PROMETHEUS: Final = {"up"}
_TYPE: Final = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)


def rules() -> list[dict[str, Any]]:
    read = (yaml.safe_load((FOLDER / name).read_text()) for name in RULE_FILES)
    return [rule for file in read for group in file["groups"] for rule in group["rules"]]


def expected_alerts(name: str) -> dict[bool, set[str]]:
    """Return the alerts that the unit tests of a rule file expect, and those that they expect not."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for test in yaml.safe_load((FOLDER / "tests" / name).read_text())["tests"]:
        for case in test["alert_rule_test"]:
            found[bool(case["exp_alerts"])].add(case["alertname"])
    return found


def dashboard_expressions() -> list[str]:
    files = sorted((FOLDER / "dashboards").glob("*.json"))
    panels = [panel for file in files for panel in json.loads(file.read_text())["panels"]]
    found = [target["expr"] for panel in panels for target in panel["targets"]]
    return [expression.replace("$__rate_interval", "5m") for expression in found]


def metrics_in(expression: str) -> set[str]:
    """Return the metrics of an expression. Raises ValueError if it is none."""
    return {selector.name for selector in _selectors(promql_parser.parse(expression))}


def _selectors(node: Any) -> Iterator[Any]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
        return
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        if (child := getattr(node, name, None)) is not None:
            yield from _selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from _selectors(child)


async def exposed(http: httpx.AsyncClient, container: Container) -> set[str]:
    """Return the names of `/metrics`, and those that payments add."""
    boss = await create_admin(http, container)
    text = (await http.get("/metrics", headers=boss.auth)).text
    stores = FindingRepository(container.database), ProgressRepository(container.database)
    registry = CollectorRegistry()
    await ReconciliationFigures(*stores, container.clock, payments_on=True).measure(registry)
    names = set()
    for name, kind in _TYPE.findall(text + generate_latest(registry).decode()):
        names |= {f"{name}_{end}" for end in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return names


async def test_alerts_and_dashboards_name_metrics_that_exist(http: httpx.AsyncClient, container: Container) -> None:
    names = await exposed(http, container) | OF_PROMETHEUS
    expressions = [rule["expr"] for rule in rules()] + dashboard_expressions()
    assert len(expressions) >= 80
    unknown = {expression: metrics_in(expression) - names for expression in expressions}
    assert {expression: missing for expression, missing in unknown.items() if missing} == {}
    misspelt = "histogram_quantile(0.9, sum by (le) (rate(grome_http_request_seconds_bucket[5m]))) > on () max(up)"
    assert metrics_in(misspelt) - names == {"grome_http_request_seconds_bucket"}


def test_expression_with_a_planted_mistake_is_refused() -> None:
    for wrong in ("sum by le (up)", "rate(up)", "max(up[5m])", "up >"):
        with pytest.raises(ValueError):  # noqa: PT011 -- the parser's only error
            metrics_in(wrong)


def test_each_alert_has_a_section_of_the_runbook_and_nothing_else_has_one() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    alerts = [rule["alert"] for rule in rules()]
    assert sections == alerts
    assert [rule["annotations"]["runbook"] for rule in rules()] == [
        f"docs/runbook.md#{name.lower()}" for name in alerts
    ]
    assert {rule["labels"]["severity"] for rule in rules()} == {"page", "ticket"}


def test_each_alert_has_a_unit_test_that_fires_it_and_one_that_does_not() -> None:
    alerts = {rule["alert"] for rule in rules()}
    found = [expected_alerts(name.replace(".yml", "_test.yml")) for name in RULE_FILES]
    assert found[0][True] | found[1][True] == alerts
    assert found[0][False] | found[1][False] == alerts


def test_dashboards_are_as_their_script_writes_them() -> None:
    script = runpy.run_path(str(FOLDER / "build_dashboards.py"))
    files = {file.stem: file.read_text() for file in (FOLDER / "dashboards").glob("*.json")}
    assert files == {name: script["text_of"](name) for name in script["DASHBOARDS"]}


def test_observability_page_lists_each_metric() -> None:
    page = (ROOT / "docs" / "operations" / "observability.md").read_text()
    for expression in [rule["expr"] for rule in rules()] + dashboard_expressions():
        for metric in metrics_in(expression) - OF_PROMETHEUS:
            assert f"`{re.sub('_(bucket|sum|count)$', '', metric)}" in page, metric
