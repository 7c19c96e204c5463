"""The feature that docs/adding-a-feature.md writes, written into a copy of the project and tested there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks
from tests.support.processes import without_settings

PAGE = ROOT / "docs" / "adding-a-feature.md"
# Its own tests, and those that a new feature must not break by being there.
TESTS = ("tests/aliases", "tests/checks/test_imports.py", "tests/api/test_rights_matrix.py", "-k", "alias or rule")
LEFT_OUT = "…"  # in a change, for the part of a line that stays as it is


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("grome", "workers", "config", "checks", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def named_file(block: Block) -> str:
    """The last Python file that the text before the block names; a block that follows another means the same file."""
    named: list[str] = re.findall(r"`([\w/]+\.py)`", block.before)
    return named[-1] if named else ""


def change(path: Path, diff: str) -> None:
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    pattern = "(.*)".join(re.escape(part) for part in old.split(LEFT_OUT))
    found = list(re.finditer(f"^{pattern}", path.read_text(), re.MULTILINE))
    assert len(found) == 1, f"{PAGE.name} changes a part of {path.name} that is there {len(found)} times:\n{old}"
    for kept in found[0].groups():
        new = new.replace(LEFT_OUT, kept, 1)
    path.write_text(path.read_text().replace(found[0][0], new))


def test_tutorial_feature_passes_its_own_tests(copy: Path) -> None:
    (copy / "grome" / "aliases").mkdir()
    (copy / "grome" / "aliases" / "__init__.py").touch()
    file = ""
    for block in blocks(PAGE.read_text()):
        file = named_file(block) or file
        path = copy / file
        if block.kind == "diff":
            change(path, block.content)
        else:
            assert not (ROOT / file).exists(), f"{file} is there already: the tutorial needs another example"
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.content)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=copy,
        env={**without_settings(os.environ), "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
