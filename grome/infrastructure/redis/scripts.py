"""Lua scripts that Redis runs."""

from collections.abc import Awaitable, Sequence
from hashlib import sha1
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


class Script:
    """Runs a script by its digest; a server that does not know the script gets its text.

    The script of redis-py loads an unknown script into all nodes of a cluster, which fails as long as one is away.
    """

    def __init__(self, redis: Redis, text: str) -> None:
        self._redis, self._text = redis, text
        self._digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], arguments: Sequence[str | int | bytes] = ()) -> Any:  # noqa: ANN401 -- replies of any type
        """Run the script. On a cluster all keys are of one slot. Raises RedisError."""
        try:
            return await cast("Awaitable[Any]", self._redis.evalsha(self._digest, len(keys), *keys, *arguments))
        except NoScriptError:
            return await cast("Awaitable[Any]", self._redis.eval(self._text, len(keys), *keys, *arguments))
