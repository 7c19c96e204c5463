"""`grome backup` and `grome restore`: the database and the stored files, to a folder and back."""

import asyncio
import base64
import binascii
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.cli.faults import sentences_of
from grome.infrastructure.backup.backup_folder import open_backup
from grome.infrastructure.backup.follow import Follower
from grome.infrastructure.backup.maker import BackupMaker, Written
from grome.infrastructure.backup.restore import Restore, Restored, drop_unfinished_restore
from grome.infrastructure.mongo.client import Client
from grome.infrastructure.storage.protocol import Storage

_KEY_BYTES: Final = 32
_TIMES: Final = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"]

console = Console(highlight=False)


class _KeyFile(click.ParamType[bytes]):
    """Reads a key of 32 bytes from a file that holds it in base64."""

    name = "FILE"

    def convert(self, value: str | bytes, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        key = b""
        with suppress(OSError, binascii.Error):
            key = base64.b64decode(Path(value).read_bytes().strip(), validate=True)
        if len(key) != _KEY_BYTES:
            self.fail("not a file with 32 bytes in base64, as `openssl rand -base64 32` writes one", param, ctx)
        return key


_FOLDER = click.Path(file_okay=False, path_type=Path)
_KEY_OPTION = click.option("--key-file", "key", type=_KeyFile(), help="File with the key that encrypts the backup.")


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--oplog", is_flag=True, help="Add what was written since the last backup into this folder.")
@click.option("--follow", is_flag=True, help="Go on adding until Ctrl-C.")
@click.option("--every", type=click.IntRange(1), default=60, help="Seconds between two additions. [default: 60]")
@click.option("--no-files", is_flag=True, help="Leave stored files out, e.g. where the bucket keeps versions.")
@_KEY_OPTION
def backup(folder: Path, key: bytes | None, every: int, *, oplog: bool, follow: bool, no_files: bool) -> None:
    """Write the database and the stored files into a folder.

    All documents are of one moment, and Grome goes on serving. Afterwards, --oplog adds the writes since, so that
    `grome restore` can restore any moment in between.
    """
    asyncio.run(_backup(folder, key, every if follow else None, oplog=oplog, with_files=not no_files))


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--to", type=click.DateTime(_TIMES), help="Moment to restore, e.g. 2026-11-30T17:00:00Z.")
@click.option("--again", is_flag=True, help="Drop the database first, if an earlier restore did not finish.")
@click.option("--check", is_flag=True, help="Only compare the files of the backup with their checksums.")
@click.option("--no-files", is_flag=True, help="Leave stored files out.")
@_KEY_OPTION
def restore(folder: Path, key: bytes | None, to: datetime | None, *, again: bool, check: bool, no_files: bool) -> None:
    """Restore a backup into an empty database.

    Counts and contents of all collections are compared with the backup.
    """
    moment = to.replace(tzinfo=UTC) if to else None
    asyncio.run(_restore(folder, key, moment, again=again, only_check=check, with_files=not no_files))


async def _backup(folder: Path, key: bytes | None, every: int | None, *, oplog: bool, with_files: bool) -> None:
    async with opened_container(load_connected_settings()) as container:
        storage = container.get(Storage) if with_files else None
        maker = BackupMaker(container.get(Client), container.database, storage, key)
        if not oplog:
            with _progress() as bars:
                bar = bars.add_task("Documents", total=None)
                written = await maker.dump(folder, lambda count: bars.update(bar, advance=count))
            _print_written("documents", written)
        if every:
            await Follower(lambda: maker.add(folder), every, _print_writes, _print_fault).run()
        if oplog:
            _print_writes(await maker.add(folder))


def _print_writes(written: Written) -> None:
    _print_written("writes", written)


def _print_fault(fault: Exception, wait_s: float) -> None:
    console.print(f"{' '.join(sentences_of(fault))} The next try is in {wait_s:.0f} s.", soft_wrap=True)


def _print_written(items: str, written: Written) -> None:
    console.print(
        f"{written.count:,} {items} up to {written.until:%Y-%m-%d %H:%M:%S} UTC"
        f" and {written.files:,} files, {written.size / 1e6:.1f} MB."
    )


async def _restore(
    folder: Path, key: bytes | None, to: datetime | None, *, again: bool, only_check: bool, with_files: bool
) -> None:
    existing = open_backup(folder, key)
    for file in existing.files:
        await asyncio.to_thread(file.verify)
    console.print(f"{len(existing.files)} files of the backup agree with their checksums.")
    if only_check:
        return
    async with opened_container(load_connected_settings()) as container:
        with _progress() as bars:
            if again:
                await drop_unfinished_restore(container.database)
            total = sum(each["count"] for each in existing.dump.summary()["collections"].values())
            bar = bars.add_task("Documents", total=total)
            storage = container.get(Storage) if with_files else None
            restore = Restore(
                container.database, storage, existing, container.clock, lambda count: bars.update(bar, advance=count)
            )
            restored = await restore.run(to)
    _print_restored(restored)


def _print_restored(restored: Restored) -> None:
    console.print(f"{restored.documents:,} documents restored; counts and contents of all collections agree.")
    if restored.last:
        console.print(f"{restored.writes:,} writes replayed, the last of {restored.last:%Y-%m-%d %H:%M:%S.%f} UTC.")
    console.print(f"{restored.files:,} stored files restored.")
    console.print("Now run `grome ledger verify` and `grome audit verify`, and then `grome migrate`.", soft_wrap=True)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
