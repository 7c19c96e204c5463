"""`python -m checks.linters`: run the linters of files that are not Python; exit code 1 if one finds a fault."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import yaml

from checks.kustomize import render
from checks.manifests import OVERLAYS
from checks.tree import ROOT

_BIN: Final = Path(sys.executable).parent
_SHEBANG: Final = b"#!"


def commands(root: Path, scratch: Path) -> Iterator[list[str]]:
    """Yield the command of each linter on the files of the project; rendered manifests are written to `scratch`."""
    workflows = [str(path) for path in sorted((root / ".github/workflows").glob("*.yml"))]
    schema = ["check-jsonschema", "--builtin-schema"]
    yield ["hadolint", str(root / "Dockerfile")]
    yield [*schema, "vendor.compose-spec", str(root / "deploy/compose/compose.yaml")]
    yield [*schema, "vendor.github-workflows", *workflows]
    yield [*schema, "vendor.dependabot", str(root / ".github/dependabot.yml")]
    yield ["zizmor", "--offline", "--no-progress", "--quiet", str(root / ".github")]
    yield [
        "yamllint",
        "--strict",
        "--config-file",
        str(ROOT / ".yamllint"),
        str(root / ".github"),
        str(root / "deploy"),
    ]
    yield ["shellcheck", *map(str, _scripts(root))]
    rendered = [_rendered(overlay, scratch) for overlay in sorted((root / OVERLAYS).iterdir())]
    yield ["kubernetes-validate", "--strict", "--quiet", *map(str, rendered)]


def reports(to_run: Sequence[list[str]]) -> Iterator[str]:
    """Run the linters at the same time, and yield the name and the output of each that found a fault."""
    with ThreadPoolExecutor(len(to_run)) as pool:
        for command, done in zip(to_run, pool.map(_run, to_run), strict=True):
            if done.returncode:
                yield f"{command[0]}:\n{done.stdout.strip()}"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    return subprocess.run(  # noqa: S603 -- programs of our own environment
        [_BIN / program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _scripts(root: Path) -> Iterator[Path]:
    """Yield the files of deploy/ and .ci/ that begin with a line for a shell."""
    for folder in ("deploy", ".ci"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.read_bytes().startswith(_SHEBANG) and path.suffix != ".py":
                yield path


def _rendered(overlay: Path, scratch: Path) -> Path:
    path = scratch / f"{overlay.name}.yaml"
    path.write_text(yaml.safe_dump_all(render(overlay)), encoding="utf-8")
    return path


def main() -> None:
    with TemporaryDirectory() as scratch:
        found = list(reports(list(commands(ROOT, Path(scratch)))))
    click.echo("\n\n".join(found) or "No linter found a fault.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
