"""The README's walk-through, run as it is printed, against a Grome with the data that `make run` lays."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from rich.console import Console

from config.settings import Settings
from grome.composition import open_container
from grome.dev.demo.seed import seed_if_empty
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client
from grome.migrations import MIGRATIONS
from tests.docs.pages import ROOT, blocks, section
from tests.support.app import serve_app, with_database
from tests.support.eventually import START_PATIENCE_S

PRINTED_URL = "http://127.0.0.1:8000"
END_OF_BLOCK = "--- end of block ---"
DIFFERS = "…"  # in the README, for whatever differs from run to run or is left out


@pytest.fixture
async def demo_url(settings: Settings) -> AsyncIterator[str]:
    """On a database of its own, and without a job worker, which would take the jobs of the other tests."""
    own = with_database(settings, "readme")
    container = await open_container(own)
    await container.get(Client).drop_database(own.mongo.database)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    await seed_if_empty(container, Console(quiet=True))
    await container.close()
    async with serve_app(own) as app:
        yield app.ctx.base_url


def walk() -> list[tuple[str, str]]:
    """Yield each block of commands with its output."""
    steps = blocks(section(ROOT / "README.md", "Try it"))
    assert [step.kind for step in steps] == ["sh", "text"] * (len(steps) // 2)
    return [(commands.content, printed.content) for commands, printed in list(pairwise(steps))[::2]]


def pattern(printed: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in printed.split(DIFFERS)))


async def test_readme_commands_give_the_printed_output(demo_url: str) -> None:
    steps = walk()
    script = "".join(f"{commands}echo '{END_OF_BLOCK}'\n" for commands, _ in steps)
    assert PRINTED_URL in script
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euo", "pipefail", "-c", script.replace(PRINTED_URL, demo_url)],
        capture_output=True,
        text=True,
        check=False,
        timeout=START_PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    outputs = done.stdout.split(f"{END_OF_BLOCK}\n")
    assert outputs.pop() == ""
    for output, (commands, printed) in zip(outputs, steps, strict=True):
        assert pattern(printed).fullmatch(output), f"{commands}gave\n{output}\nand not\n{printed}"
