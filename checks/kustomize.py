"""Render the overlays under deploy/kubernetes without kubectl, as far as they use kustomize.

`python -m checks.kustomize FOLDER` compares its own rendering with the manifests of `kubectl kustomize FOLDER` on its
standard input. A key of kustomize that this module does not know is an error, so that nothing is left out silently.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import yaml
from dotenv import dotenv_values

Manifest = dict[str, Any]

_KEYS: Final = frozenset(
    {"apiVersion", "kind", "resources", "labels", "namespace", "configMapGenerator", "images", "patches"}
)
_MERGED_BY_NAME: Final = frozenset({"containers", "env"})
_CLUSTER_WIDE: Final = frozenset({"Namespace"})
_HASH: Final = re.compile(r"^(?P<name>grome)-[2-9bcdfghjkmnpqrstvwxz]{10}$")


def render(folder: Path) -> list[Manifest]:
    """Return the manifests of a kustomization. The names of generated config maps have no hash."""
    kustomization = _documents(folder / "kustomization.yaml")[0]
    if unknown := kustomization.keys() - _KEYS:
        raise ValueError(f"{folder}/kustomization.yaml has {', '.join(sorted(unknown))}, which is not rendered.")
    manifests = [each for name in kustomization.get("resources", []) for each in _resource(folder / name)]
    for generator in kustomization.get("configMapGenerator", []):
        data = {key: value for name in generator["envs"] for key, value in _settings(folder / name).items()}
        manifests.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
        )
    for patch in (each for entry in kustomization.get("patches", []) for each in _documents(folder / entry["path"])):
        _merge(next(each for each in manifests if identity(each) == identity(patch)), patch)
    for manifest in manifests:
        _decorate(manifest, kustomization)
    return manifests


def identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def pod_of(manifest: Manifest) -> Manifest | None:
    """Return the pod's template of a deployment or a job; None for other kinds."""
    template: Manifest | None = manifest.get("spec", {}).get("template")
    return template


def _resource(path: Path) -> list[Manifest]:
    return render(path) if path.is_dir() else _documents(path)


def _documents(path: Path) -> list[Manifest]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def _settings(path: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


def _merge(base: Manifest, patch: Manifest) -> None:
    """Merge a patch as kustomize does where lists other than containers and their variables are replaced."""
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        elif key in _MERGED_BY_NAME and key in base:
            present = {each["name"]: each for each in base[key]}
            added = [each for each in value if each["name"] not in present]
            for each in value:
                _merge(present.get(each["name"], {}), each)
            base[key] = [*added, *base[key]]
        else:
            base[key] = value


def _decorate(manifest: Manifest, kustomization: Manifest) -> None:
    """Add labels and the namespace, and replace names of images."""
    metadata = manifest["metadata"]
    for entry in kustomization.get("labels", []):
        metadata["labels"] = {**metadata.get("labels", {}), **entry["pairs"]}
    if "namespace" in kustomization and manifest["kind"] not in _CLUSTER_WIDE:
        metadata["namespace"] = kustomization["namespace"]
    images = {each["name"]: f"{each['newName']}:{each['newTag']}" for each in kustomization.get("images", [])}
    for container in (pod_of(manifest) or {"spec": {"containers": []}})["spec"]["containers"]:
        container["image"] = images.get(container["image"], container["image"])


def _without_hashes(value: Any) -> Any:  # noqa: ANN401 -- any YAML
    match value:
        case dict():
            return {key: _without_hashes(each) for key, each in value.items()}
        case list():
            return [_without_hashes(each) for each in value]
        case str():
            return _HASH.sub(r"\g<name>", value)
    return value


def differences(folder: Path, rendered: str) -> Iterator[str]:
    """Yield a line for each manifest that kubectl renders differently."""
    ours = {identity(each): each for each in render(folder)}
    theirs = {identity(each): each for each in map(_without_hashes, yaml.safe_load_all(rendered))}
    for kind, name in sorted(ours.keys() | theirs.keys()):
        if ours.get((kind, name)) != theirs.get((kind, name)):
            yield f"{folder}: {kind} {name} differs from the rendering of kubectl"


if __name__ == "__main__":
    found = list(differences(Path(sys.argv[1]), sys.stdin.read()))
    click.echo("\n".join(found) or f"{sys.argv[1]}: the same as kubectl renders")
    sys.exit(bool(found))
