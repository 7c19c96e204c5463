"""`deploy/compose/make-secrets` writes each secret once, and no empty one."""

import shutil
import subprocess
from pathlib import Path

from checks.tree import ROOT

TOOLS = ("cat", "chmod", "dirname", "mkdir", "mv", "tr")


def make_secrets(folder: Path, openssl: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script, with this script of the shell in place of openssl."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (programs / tool).unlink(missing_ok=True)
        (programs / tool).symlink_to(found)
    (programs / "openssl").unlink(missing_ok=True)
    if openssl:
        (programs / "openssl").write_text(f"#!/bin/sh\n{openssl}\n")
        (programs / "openssl").chmod(0o755)
    script = shutil.copy(ROOT / "deploy/compose/make-secrets", folder)
    return subprocess.run(["/bin/sh", script], env={"PATH": str(programs)}, capture_output=True, text=True, check=False)


def test_secrets_are_kept_by_a_second_run(tmp_path: Path) -> None:
    assert make_secrets(tmp_path, "echo first").returncode == 0
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert len(made) == 13
    assert make_secrets(tmp_path, "echo second").stdout == ""
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made


def test_openssl_that_is_missing_or_fails_makes_no_empty_secret(tmp_path: Path) -> None:
    for openssl in ("", "exit 1"):
        assert make_secrets(tmp_path, openssl).returncode != 0
        secrets = tmp_path / "secrets"
        assert not secrets.exists() or all(path.suffix == ".new" for path in secrets.iterdir())
