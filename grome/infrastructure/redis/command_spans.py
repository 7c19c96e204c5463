"""Record commands of Valkey as spans: the names of the commands, and nothing of their keys or values."""

from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from grome.infrastructure.tracing.spans import child_span, is_tracing

_SYSTEM: Final = "redis"  # OpenTelemetry has no name of its own for Valkey


class _TracedPipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 -- the driver's signature
        attributes: dict[str, str | int] = {"db.system.name": _SYSTEM, "db.operation.batch.size": len(self)}
        with child_span("PIPELINE", kind="client", attributes=attributes):
            return await super().execute(raise_on_error)


class _TracedRedis(Redis):
    """Records commands that belong to a trace."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 -- the driver's signature
        name = str(args[0])
        with child_span(name, kind="client", attributes={"db.system.name": _SYSTEM, "db.operation.name": name}):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:  # noqa: FBT001, FBT002 -- as above
        return _TracedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def client_class() -> type[Redis]:
    """Return the class of this process's clients. Where nothing traces it is the driver's own, and costs no more."""
    return _TracedRedis if is_tracing() else Redis
