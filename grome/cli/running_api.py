"""Where the Grome of a home folder answers: `grome run` notes it, and `grome demo` reads it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.settings import Settings


@contextmanager
def noted_url(home: Path, url: str) -> Iterator[None]:
    """Keep the address in the home folder during the block."""
    note = _note(home)
    note.write_text(url)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def find_url(settings: Settings, home: Path) -> str:
    """Return the address of a host or port that the environment sets, else the noted one, else the default."""
    note = _note(home)
    is_set = any(name in os.environ for name in ("GROME_HTTP_HOST", "GROME_HTTP_PORT"))
    return settings.http.own_base if is_set or not note.exists() else note.read_text().strip()


def _note(home: Path) -> Path:
    return home / "api-url"
