"""Health on the wire."""

from typing import Literal

from msgspec import Struct


class Live(Struct, frozen=True):
    status: Literal["ok"] = "ok"


class Verdict(Struct, frozen=True):
    """The state of one dependency: `ok`, the time of its answer in milliseconds, and the fault if it failed."""

    ok: bool
    ms: float
    fault: str | None = None


class Ready(Struct, frozen=True):
    """Ready means that every dependency answered."""

    ready: bool
    dependencies: dict[str, Verdict]
