"""Health on the wire."""

from typing import Literal

from msgspec import Struct


class Live(Struct, frozen=True):
    status: Literal["ok"] = "ok"


class Verdict(Struct, frozen=True):
    """One dependency: whether it answered, in how many milliseconds, and what is wrong where it did not."""

    ok: bool
    ms: float
    fault: str | None = None


class Ready(Struct, frozen=True):
    """Ready means that every dependency answered."""

    ready: bool
    dependencies: dict[str, Verdict]
