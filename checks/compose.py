"""Report services of deploy/compose/compose.yaml that break the rules of this installation."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from dotenv import dotenv_values

from checks.findings import Finding
from checks.manifests import faults_of_settings
from checks.tree import ROOT

_FOLDER: Final = "deploy/compose"
_FRONT: Final = "front"
_BOUNDS: Final = frozenset({"cpus", "mem_limit", "pids_limit"})
_TAGGED: Final = re.compile(r".+:(?!latest)[^:/]*\d[^:/]*$")
# Programs with file capabilities, by their image: the kernel refuses to start them where one is dropped.
_FILE_CAPABILITIES: Final = {"caddy": "NET_BIND_SERVICE"}
_DEFAULT: Final = re.compile(r"\$\{\w+:-([^}]*)\}")


def against_compose(root: Path = ROOT) -> Iterator[Finding]:
    path = root / _FOLDER / "compose.yaml"
    services = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    settings = {env.name: _settings(env) for env in sorted(path.parent.glob("*.env"))}
    for name, service in services.items():
        for rule, text in broken_rules(name, service, settings):
            yield Finding(f"service {rule}", f"{_FOLDER}/compose.yaml", 1, f"{name} {text}".rstrip())


def broken_rules(name: str, service: dict[str, Any], settings: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the rule and a text for each fault of one service; `settings` are the files of settings by name."""
    image, is_grome = _DEFAULT.sub(r"\1", service["image"]), "env_file" in service
    if not is_grome and not _TAGGED.match(image):
        yield "without a version", image
    if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
        yield "that may do too much", ""
    capability = _FILE_CAPABILITIES.get(image.partition(":")[0])
    if capability and "entrypoint" not in service and capability not in service.get("cap_add", []):
        yield "whose program cannot start", f"without {capability}"
    if missing := _BOUNDS - service.keys():
        yield "without bounds", ", ".join(sorted(missing))
    if name != _FRONT and "ports" in service:
        yield "with ports of its own", ""
    runs_once = service.get("restart") in ("no", "on-failure")
    if not is_grome and not runs_once and "healthcheck" not in service:
        yield "without a health check", ""
    files = [f"/run/secrets/{secret}" for secret in service.get("secrets", [])]
    files += [volume.split(":")[1] for volume in service.get("volumes", [])]
    for variables in settings.values() if is_grome else [{}]:
        yield from faults_of_settings({**variables, **service.get("environment", {})}, files)


def _settings(path: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}
