"""Files of a backup are read as they were written, and damage of any kind is noticed."""

from pathlib import Path

import pytest

from grome.infrastructure.backup.archive_file import ArchiveReader, ArchiveWriter
from grome.infrastructure.backup.errors import BackupError

KEY = bytes(32)


def write(path: Path, key: bytes | None) -> None:
    with ArchiveWriter(path, "dump", "grome", key) as archive:
        for number in range(3):
            archive.write({"block": "documents", "number": number}, bytes([number]) * 1_000)
        archive.finish({"until": 7})


def read_all(path: Path, key: bytes | None) -> list[tuple[int, bytes]]:
    archive = ArchiveReader(path, key)
    archive.verify()
    assert archive.summary()["until"] == 7
    return [(block.about["number"], block.body) for block in archive.blocks()]


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_blocks_and_summary_are_read_as_written(tmp_path: Path, key: bytes | None) -> None:
    path = tmp_path / "a.grome"
    write(path, key)
    assert read_all(path, key) == [(number, bytes([number]) * 1_000) for number in range(3)]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_changed_or_missing_byte_anywhere_is_noticed(tmp_path: Path, key: bytes | None) -> None:
    path = tmp_path / "a.grome"
    write(path, key)
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(BackupError):
            read_all(path, key)
        path.write_bytes(whole[:position])
        with pytest.raises(BackupError):
            read_all(path, key)


def test_block_of_an_encrypted_file_that_is_moved_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.grome"
    write(path, KEY)
    blocks = [block.body for block in ArchiveReader(path, KEY).blocks()]
    whole, start = path.read_bytes(), path.read_bytes().index(b"}") + 1
    length = 4 + int.from_bytes(whole[start : start + 4], "big")
    path.write_bytes(whole[:start] + whole[start + length :])
    assert len(blocks) == 3
    with pytest.raises(BackupError, match="cannot be decrypted"):
        list(ArchiveReader(path, KEY).blocks())


def test_unfinished_file_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ArchiveWriter(tmp_path / "a.grome", "dump", "grome", None) as archive:
        archive.write({"block": "documents"}, b"1" * (1 // 0))
    assert list(tmp_path.iterdir()) == []


def test_other_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.grome").write_bytes(b"something else")
    with pytest.raises(BackupError, match="no file of a backup"):
        ArchiveReader(tmp_path / "a.grome", None)
