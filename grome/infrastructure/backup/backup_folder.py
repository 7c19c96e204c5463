"""The files of a backup by their names and their order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bson import Timestamp

from grome.infrastructure.backup.archive_file import ArchiveReader
from grome.infrastructure.backup.errors import BackupError

DUMP: Final = "dump.grome"
_SEGMENTS: Final = "oplog-*.grome"


@dataclass(frozen=True, slots=True)
class Backup:
    """The dump and the segments of a folder, from the oldest."""

    dump: ArchiveReader
    segments: list[ArchiveReader]

    @property
    def files(self) -> list[ArchiveReader]:
        return [self.dump, *self.segments]


def open_backup(folder: Path, key: bytes | None) -> Backup:
    """Raises BackupError if the folder holds no complete backup, or a segment is missing."""
    if not (folder / DUMP).is_file():
        raise BackupError(f"{folder} holds no complete backup: {DUMP} is missing.")
    segments = [ArchiveReader(path, key) for path in sorted(folder.glob(_SEGMENTS))]
    backup = Backup(ArchiveReader(folder / DUMP, key), segments)
    reached = end_of(backup.dump)
    for segment in segments:
        if segment.summary()["since"] != reached:
            raise BackupError(f"A segment before {segment.path.name} is missing; without it nothing after it follows.")
        reached = end_of(segment)
    return backup


def end_of(file: ArchiveReader) -> Timestamp:
    """Return the cluster time up to which a file holds the writes."""
    until: Timestamp = file.summary()["until"]
    return until


def stored_files(backup: Backup) -> set[str]:
    """Return the keys of the stored files in a backup."""
    return {key for file in backup.files for key in file.summary()["files"]}


def next_segment(folder: Path, backup: Backup) -> Path:
    return folder / f"oplog-{len(backup.segments) + 1:06}.grome"
