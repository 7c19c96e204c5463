"""Check an earlier release out of the repository, and install it with its own lock."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".grome" / "upgrade"
# The oldest commit with all features of the first release, until the first tag.
_OLDEST: Final = "d2fd91a"
# A release without the extra `demo` in a lock of its own has it in the lock of development.
_LOCKS: Final = ("demo.txt", "dev.txt")


@dataclass(frozen=True)
class Release:
    """A release that is checked out in `tree`."""

    name: str
    commit: str
    tree: Path

    @property
    def program(self) -> str:
        return str(self.tree / ".venv" / "bin" / "grome")

    @property
    def migrations(self) -> int:
        return len(list((self.tree / "grome" / "migrations").glob("m0*.py")))

    def knows(self, setting: str) -> bool:
        """Return whether the release declares a setting of this name, without its section."""
        files = (self.tree / "config").rglob("*.py")
        return any(f"    {setting}: " in file.read_text() for file in files)


def oldest_release() -> str:
    """Return the first tag of a version before this commit. If there is none, it is the oldest commit that runs."""
    tags = _git("tag", "--list", "v[0-9]*", "--sort=version:refname", "--no-contains", "HEAD").split()
    return tags[0] if tags else _OLDEST


def check_out(ref: str, say: Callable[[str], None]) -> Release:
    """Install a release below `.grome/upgrade`, where the next call finds it."""
    commit = _git("rev-parse", "--verify", f"{ref}^{{commit}}").strip()
    home = CACHE / commit[:12]
    release = Release(ref, commit, home / "tree")
    if not (home / "installed").exists():
        shutil.rmtree(home, ignore_errors=True)
        release.tree.mkdir(parents=True)
        say(f"Checking out {ref} into {home.relative_to(ROOT)}")
        _git("archive", "--format=tar", f"--output={home / 'tree.tar'}", commit)
        with tarfile.open(home / "tree.tar") as archive:
            archive.extractall(release.tree, filter="data")
        (home / "tree.tar").unlink()
        _install(release.tree, say)
        (home / "installed").touch()
    return release


def _install(tree: Path, say: Callable[[str], None]) -> None:
    locks = (tree / "requirements" / name for name in _LOCKS)
    lock = next(path for path in locks if path.exists())
    python = tree / ".venv" / "bin" / "python"
    say(f"Installing {lock.read_text().count('==')} packages of its requirements/{lock.name}")
    subprocess.run([sys.executable, "-m", "venv", str(tree / ".venv")], check=True)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    uv = shutil.which("uv", path=path)
    pip = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
    for what in (["--require-hashes", "-r", str(lock)], ["--no-deps", "--no-build-isolation", "--editable", str(tree)]):
        subprocess.run([*pip, "--quiet", *what], check=True)


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if not git:
        sys.exit("grome: git is needed to check out an earlier release.")
    done = subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"grome: git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
