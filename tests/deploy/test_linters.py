"""The linters of `make check` find mistakes that are planted into a copy of the files that they read."""

import shutil
from typing import Final

import pytest

from checks.linters import commands, reports
from checks.tree import ROOT

WORKFLOWS, COMPOSE, BASE = ".github/workflows", "deploy/compose", "deploy/kubernetes/base"
# Linter, file, text, the mistake in its place, and a part of the report.
MISTAKES: Final = [
    ("hadolint", "Dockerfile", "WORKDIR /src", "WORKDIR src", "DL3000"),
    ("hadolint", "Dockerfile", "    uv pip install", "    sudo uv pip install", "DL3004"),
    ("check-jsonschema", f"{COMPOSE}/compose.yaml", "pids_limit: 256", "pid_limit: 256", "pid_limit"),
    ("check-jsonschema", f"{WORKFLOWS}/ci.yml", "timeout-minutes: 15", "timeout-minute: 15", "timeout-minute"),
    ("check-jsonschema", ".github/dependabot.yml", "interval: weekly", "interval: wekly", "wekly"),
    ("zizmor", f"{WORKFLOWS}/ci.yml", "with: {persist-credentials: false}", "", "artipacked"),
    ("zizmor", f"{WORKFLOWS}/release.yml", "make sbom", "echo ${{ github.event.head_commit.message }}", "injection"),
    ("zizmor", f"{WORKFLOWS}/release.yml", "@d58896d6a1865668819e1d91763c7751a165e159", "@v3", "unpinned-uses"),
    ("yamllint", f"{COMPOSE}/prometheus.yml", "rule_files:", "rule_files: []\nrule_files:", "key-duplicates"),
    ("shellcheck", f"{COMPOSE}/make-secrets", 'cat >"secrets/$1.new"', "cat >secrets/$1.new", "SC2086"),
    ("kubernetes-validate", f"{BASE}/api.yaml", "periodSeconds: 10", 'periodSeconds: "10"', "'10' is not of type"),
    ("kubernetes-validate", f"{BASE}/worker.yaml", "fsGroup:", "fsGrop:", "fsGrop"),
]


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Run all linters at the same time on a copy with all mistakes."""
    root = tmp_path_factory.mktemp("linted")
    for folder in (".github", "deploy"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("secrets"))
    shutil.copy(ROOT / "Dockerfile", root)
    for _, name, text, mistake, _ in MISTAKES:
        path = root / name
        assert text in path.read_text()
        path.write_text(path.read_text().replace(text, mistake, 1))
    return list(reports(list(commands(root, tmp_path_factory.mktemp("rendered")))))


@pytest.mark.parametrize(("linter", "path", "text", "mistake", "report"), MISTAKES)
def test_linter_with_a_planted_mistake_reports_it(
    reported: list[str], linter: str, path: str, text: str, mistake: str, report: str
) -> None:
    assert any(each.startswith(linter) and report in each for each in reported), f"{text} > {mistake} in {path}"
