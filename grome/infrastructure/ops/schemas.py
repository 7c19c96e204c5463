"""Health on the wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Live(Struct, frozen=True):
    """The process is alive."""

    status: Literal["ok"] = "ok"
    """Always `ok`: a process that answers is alive."""


class Verdict(Struct, frozen=True):
    """The state of one dependency."""

    ok: bool
    """Whether the dependency answered within two seconds."""
    ms: float
    """Milliseconds until its answer or failure."""
    fault: Annotated[str, Meta(examples=["is not reachable"])] | None = None
    """Reason of the failure, without addresses; null if it answered."""


class Ready(Struct, frozen=True):
    """Ready means that every dependency answered."""

    ready: bool
    """True if every dependency answered; otherwise the status is 503."""
    dependencies: dict[str, Verdict]
    """The state of each dependency by its name: `mongodb` and `redis`."""
