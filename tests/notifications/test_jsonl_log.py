"""Test that JsonlLog keeps one line a name with concurrent and killed writers."""
# ruff: noqa: ASYNC240 -- a small file of the test's own

import asyncio
import fcntl
import os
import sys
from pathlib import Path

import pytest
from msgspec import Struct

from grome.notifications.jsonl_log import JsonlLog
from grome.notifications.push import PushLine
from grome.notifications.sms import SmsLine


class Item(Struct, frozen=True):
    name: str
    text: str = ""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "log.jsonl"


async def names(path: Path) -> list[str]:
    return [item.name for item in await JsonlLog(path, Item).read()]


async def test_jsonl_log_keeps_the_first_line_of_a_name(path: Path) -> None:
    log = JsonlLog(path, Item)
    assert await log.read() == []
    for text in ("first", "second"):
        await log.add(Item("a", text))
    await JsonlLog(path, Item).add(Item("a", "of another, or after a restart"))
    await log.add(Item("b", "two\nlines\u2028\r"))
    assert await log.read() == [Item("a", "first"), Item("b", "two\nlines\u2028\r")]


async def test_jsonl_log_is_readable_by_its_owner_only(path: Path) -> None:
    await JsonlLog(path, Item).add(Item("a"))
    assert path.stat().st_mode & 0o777 == 0o600


async def test_jsonl_log_with_concurrent_writers_keeps_each_name_once(path: Path) -> None:
    logs = [JsonlLog(path, Item) for _ in range(4)]
    await asyncio.gather(*(log.add(Item(str(number))) for number in range(300) for log in logs))
    assert sorted(await names(path)) == sorted(str(number) for number in range(300))


async def test_jsonl_log_writer_waits_for_the_lock_and_reads_new_lines(path: Path) -> None:
    log = JsonlLog(path, Item)
    await log.add(Item("a"))
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        adding = asyncio.create_task(log.add(Item("b", "late")))
        await asyncio.sleep(0.2)
        file.write(b'{"name":"b","text":"early"}\n')
    await adding
    assert await log.read() == [Item("a"), Item("b", "early")]


async def test_jsonl_log_cuts_off_half_a_line(path: Path) -> None:
    log = JsonlLog(path, Item)
    await log.add(Item("a"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole.replace(b'"a"', b'"b"')[:-4])
    assert await names(path) == ["a"]
    await log.add(Item("b"))
    assert await names(path) == ["a", "b"]


async def test_jsonl_log_starts_again_after_removal(path: Path) -> None:
    log = JsonlLog(path, Item)
    await log.add(Item("a"))
    path.unlink()
    await log.add(Item("a"))
    assert await names(path) == ["a"]
    await log.add(Item("c"))  # by now it has read that "a" is there
    path.rename(path.with_suffix(".old"))
    await JsonlLog(path, Item).add(Item("b", "of another, which is longer than all that was there"))
    await log.add(Item("a"))
    assert await names(path) == ["b", "a"]
    path.write_bytes(b"")
    await log.add(Item("a"))
    assert await names(path) == ["a"]


async def test_jsonl_log_with_a_killed_process_has_each_message_once(tmp_path: Path) -> None:
    """Three processes send the same messages; the first is killed, and the others resend its messages."""
    ids = [f"message-{number}" for number in range(150)]
    environ = {**os.environ, "GROME_ENV": "test", "GROME_HOME": str(tmp_path)}
    command = (sys.executable, "-m", "tests.notifications.sending", "device", "+15005550006", *ids)
    first, *others = [
        await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE) for _ in range(3)
    ]
    assert first.stdout
    for _ in range(20):
        await first.stdout.readline()
    first.kill()
    told = [(await process.communicate())[0].decode().splitlines() for process in (first, *others)]
    assert [len(lines) for lines in told[1:]] == [150, 150]
    assert len(told[0]) < 150 - 20
    pushed = await JsonlLog(tmp_path / "push.log.jsonl", PushLine).read()
    texted = await JsonlLog(tmp_path / "sms.log.jsonl", SmsLine).read()
    assert sorted(line.id for line in pushed) == sorted(line.id for line in texted) == sorted(ids)
