"""The package that brings the command line."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.eventually import START_PATIENCE_S

ROOT = Path(__file__).parents[2]


def test_wheel_has_all_source_and_data_files_and_no_tests(tmp_path: Path) -> None:
    """Built offline by the backend in the lock file, as `pip install .` does."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], check=True, timeout=START_PATIENCE_S)
    (wheel,) = tmp_path.glob("grome-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        scripts = next(name for name in held if name.endswith("entry_points.txt"))
        assert "grome = grome.cli.main:main" in archive.read(scripts).decode()
    wanted = {
        str(path.relative_to(ROOT))
        for package in ("grome", "workers", "config")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert wanted <= held
    assert not any(name.startswith("tests/") for name in held)
