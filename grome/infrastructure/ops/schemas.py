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
    """Whether the dependency works, and answered within two seconds."""
    required: bool
    """Whether requests need the dependency. Without the others bookings go on, and their effects follow later."""
    ms: float
    """Milliseconds until its answer or failure."""
    fault: Annotated[str, Meta(examples=["is not reachable"])] | None = None
    """Reason of the failure, without addresses; null if the dependency works."""


class Ready(Struct, frozen=True):
    """Ready means that the process is not about to stop and that every required dependency works."""

    ready: bool
    """Whether load balancers should send requests to this process; otherwise the status is 503."""
    fault: Annotated[str, Meta(examples=["is stopping"])] | None
    """`is stopping` while the process stops; null before."""
    dependencies: dict[str, Verdict]
    """The state of each dependency by its name: `mongodb`, `redis` and `relay`. Empty while the process stops."""
