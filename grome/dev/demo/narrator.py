"""Prints the chapters of the demo, and ends it at the first broken promise."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console

from grome.dev.demo.api_client import BrokenPromise


class Narrator:
    """Numbers the chapters, and prints their lines and the requests."""

    def __init__(self, console: Console) -> None:
        self._console, self._chapters = console, 0

    def chapter(self, title: str) -> None:
        self._chapters += 1
        self._console.print(f"\n{self._chapters}. {title}", style="bold", markup=False)

    def say(self, line: str) -> None:
        self._console.print(f"   {line}", markup=False, soft_wrap=True)

    def show_table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print rows with aligned columns; the first row is the head, and the last column is aligned to the right."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            *texts, number = zip(row, widths, strict=True)
            self.say("  ".join([*(text.ljust(width) for text, width in texts), number[0].rjust(number[1])]).rstrip())

    def log_response(self, response: httpx.Response) -> None:
        """Print a request and its status; a hook of the HTTP client."""
        request = response.request
        line = f"   {request.method} {request.url.path} → {response.status_code}"
        self._console.print(line, style="dim", markup=False, soft_wrap=True)


def expect(kept: bool, otherwise: str) -> None:  # noqa: FBT001 -- reads like an assertion
    """Raise BrokenPromise with the sentence `otherwise`, unless the promise is kept."""
    if not kept:
        raise BrokenPromise(f"Not as promised: {otherwise}.")


def format_time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %d %b %H:%M %Z}"
