"""The rules of checks/manifests.py and checks/compose.py report each mistake that is planted for them."""

import re
import shutil
from pathlib import Path
from typing import Final

import pytest
import yaml
from dotenv import dotenv_values

from checks.compose import against_compose
from checks.kustomize import pod_of, render
from checks.manifests import OVERLAYS, against_manifests
from checks.tree import ROOT
from config.loading import load_settings
from config.settings import SettingsError
from grome.cli.serving import stop_seconds
from grome.infrastructure.images.encoder import MAX_CONCURRENT
from grome.infrastructure.images.limits import MEMORY_BYTES

BASE, PRODUCTION, COMPOSE = "deploy/kubernetes/base", f"{OVERLAYS}/production", "deploy/compose"
SETTINGS = f"{PRODUCTION}/settings.env"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    shutil.rmtree(tmp_path / OVERLAYS / "trial")
    return tmp_path


# File, pattern of the text, the mistake in its place, and the one rule that is broken.
MISTAKES: Final = [
    (f"{BASE}/api.yaml", r"limits: \{.*\}", "limits: {}", "manifest without requests or limits"),
    (f"{BASE}/api.yaml", r"cpu: \"2\"", "", "manifest without requests or limits"),
    (f"{BASE}/live.yaml", "readinessProbe:", "livenessProbe:", "manifest without a probe"),
    (f"{BASE}/worker.yaml", "name: http, container", "name: web, container", "manifest that cannot be scraped"),
    (f"{BASE}/network.yaml", "live, worker, relay", "live, worker", "manifest that cannot be scraped"),
    (f"{BASE}/relay.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "manifest whose pod can be root"),
    (f"{BASE}/relay.yaml", "type: RuntimeDefault", "type: Unconfined", "or has no seccomp profile"),
    (f"{BASE}/worker.yaml", "readOnlyRootFilesystem: true", "", "manifest whose container may do too much"),
    (f"{BASE}/worker.yaml", r"drop: \[ALL\]", "drop: [KILL]", "manifest whose container may do too much"),
    (f"{BASE}/migrate.yaml", "automountServiceAccountToken: false", "", "manifest whose pod has a token"),
    (f"{BASE}/relay.yaml", r"---\napiVersion: policy(.|\n)*", "", "manifest without a budget"),
    (
        f"{BASE}/network.yaml",
        r"(?<=  podSelector:\n    matchLabels: \{app.kubernetes.io/name: )grome",
        "gome",
        "network policy",
    ),
    (
        f"{BASE}/network.yaml",
        r"policyTypes: \[Ingress, Egress\]",
        "policyTypes: [Ingress]",
        "manifest without a default",
    ),
    (f"{BASE}/worker.yaml", "spec:\n  revision", "spec:\n  replicas: 2\n  revision", "nobody or two decide"),
    (f"{BASE}/relay.yaml", "  replicas: 2\n", "", "nobody or two decide"),
    (f"{PRODUCTION}/ingress.yaml", "name: live,", "name: life,", "manifest that leads nowhere"),
    (
        f"{BASE}/live.yaml",
        "(?<=  selector: {app.kubernetes.io/name: grome, app.kubernetes.io/component: )live",
        "life",
        "nowhere",
    ),
    (f"{BASE}/api.yaml", "kind: Deployment, name: api", "kind: Deployment, name: ape", "manifest that leads nowhere"),
    (f"{BASE}/api.yaml", "GROME_HTTP_SERVES", "GROME_HTTP_SERVE", "manifest with an unknown setting"),
    (SETTINGS, "GROME_MAIL_HOST", "GROME_MAIL_HOTS", "manifest with an unknown setting"),
    (SETTINGS, "PEPPER_FILE=.*", "PEPPER_FILE=/run/secret/pepper", "manifest with a file that is not mounted"),
    (SETTINGS, "PEPPER_FILE=.*", "PEPPER=1:aaaa", "manifest with a secret as plain text"),
    (f"{COMPOSE}/compose.yaml", "  mem_limit: 1g\n", "", "service without bounds"),
    (f"{COMPOSE}/compose.yaml", "read_only: true", "read_only: false", "service that may do too much"),
    (f"{COMPOSE}/compose.yaml", r"cap_add: \[NET_BIND_SERVICE\]", "", "service whose program cannot start"),
    (f"{COMPOSE}/compose.yaml", "v3.5.0", "latest", "service without a version"),
    (
        f"{COMPOSE}/compose.yaml",
        "healthcheck:\n      test: .CMD, mc",
        "x-check:\n      test: [CMD, mc",
        "without a health check",
    ),
    (f"{COMPOSE}/compose.yaml", "  valkey:\n", "  valkey:\n    ports: [6379]\n", "service with ports of its own"),
    (f"{COMPOSE}/compose.yaml", "GROME_JOBS_RELAY", "GROME_JOBS_RELAYS", "service with an unknown setting"),
    (f"{COMPOSE}/compose.yaml", "pepper, redis_url", "redis_url", "service with a file that is not mounted"),
    (f"{COMPOSE}/trial.env", "GROME_STORAGE_KIND", "GROME_STORAGE_KINDS", "service with an unknown setting"),
]


@pytest.mark.parametrize(("name", "pattern", "mistake", "rule"), MISTAKES)
def test_rules_with_a_planted_mistake_report_it(root: Path, name: str, pattern: str, mistake: str, rule: str) -> None:
    path = root / name
    text, count = re.subn(pattern, mistake, path.read_text(), count=1)
    assert count
    path.write_text(text)
    found = against_compose(root) if name.startswith(COMPOSE) else against_manifests(root)
    assert any(rule in each.rule for each in found)


def test_rules_on_the_installations_of_the_project_report_nothing() -> None:
    assert [*against_compose(), *against_manifests()] == []


def test_rendering_with_a_feature_that_it_lacks_is_refused(root: Path) -> None:
    path = root / PRODUCTION / "kustomization.yaml"
    path.write_text(path.read_text() + "namePrefix: a-\n")
    with pytest.raises(ValueError, match="has namePrefix, which is not rendered"):
        render(path.parent)


def test_settings_of_every_installation_are_known_and_readable(root: Path) -> None:
    for path in (root / SETTINGS, root / COMPOSE / "production.env"):
        lines = [line.partition("=") for line in path.read_text().splitlines() if line.startswith("GROME_")]
        plain = {name: value for name, _, value in lines if not name.endswith("_FILE")}
        with pytest.raises(SettingsError) as refused:
            load_settings({"GROME_ENV": "production", **plain})
        assert not [fault for fault in refused.value.faults if "not a setting" in fault or "cannot be" in fault]


def test_pods_have_longer_to_stop_than_their_processes_take() -> None:
    production = {name: value or "" for name, value in dotenv_values(ROOT / "config/production.env").items()}
    longest = stop_seconds(load_settings({**production, "GROME_ENV": "test"}).http)
    for manifest in render(ROOT / PRODUCTION):
        if (pod := pod_of(manifest)) and pod["spec"]["containers"][0]["args"] == ["serve"]:
            assert pod["spec"]["terminationGracePeriodSeconds"] > longest


def test_temporary_folder_of_a_worker_holds_the_exports_that_run_at_once() -> None:
    (pod,) = [
        pod["spec"]
        for manifest in render(ROOT / PRODUCTION)
        if (pod := pod_of(manifest)) and pod["spec"]["containers"][0].get("args") == ["worker"]
    ]
    variables = {each["name"]: each.get("value", "") for each in pod["containers"][0]["env"]}
    (tmp,) = [volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if volume["name"] == "tmp"]
    assert tmp == "4Gi"
    assert exports_mib(variables) < 4 * 1_024

    worker = yaml.safe_load((ROOT / COMPOSE / "compose.yaml").read_text())["services"]["worker"]
    assert "size=512m" in worker["tmpfs"][0]
    assert exports_mib(worker["environment"]) < 512


def exports_mib(variables: dict[str, str]) -> int:
    """Return the size of all exports that a worker with these variables makes at the same time."""
    known = {name: value for name, value in variables.items() if name.startswith(("GROME_PRIVACY", "GROME_JOBS_C"))}
    settings = load_settings({"GROME_ENV": "test", **known})
    return settings.privacy.export_max_mb * settings.jobs.concurrency


def test_memory_of_the_api_holds_the_images_that_its_processes_read_at_once() -> None:
    workers = load_settings({"GROME_ENV": "test"}).http.workers
    needed_mib = workers * (MAX_CONCURRENT * MEMORY_BYTES // 2**20 + 256)
    (pod,) = [
        pod["spec"]["containers"][0]
        for manifest in render(ROOT / PRODUCTION)
        if manifest["metadata"]["name"] == "api" and (pod := pod_of(manifest))
    ]
    assert pod["resources"]["limits"]["memory"] == f"{needed_mib}Mi"
    services = yaml.safe_load((ROOT / COMPOSE / "compose.yaml").read_text())["services"]
    assert [services[name]["mem_limit"] for name in ("api1", "api2")] == [f"{needed_mib}m"] * 2
