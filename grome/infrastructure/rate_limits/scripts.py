"""The generic cell rate algorithm (GCRA) in Valkey. A bucket is one number: the time when it is full again, in µs."""

from collections.abc import Sequence
from typing import Final

import msgspec
from redis.asyncio import Redis

from grome.infrastructure.rate_limits.models import Quota
from grome.infrastructure.redis.scripts import Script

_US: Final = 1_000_000
# Takes from all buckets, or from none of them. ARGV: the time, empty for the server's own; then for each bucket the
# interval, the window and the cost. Answers 1 if granted, and for each bucket how far it is ahead.
_TAKE: Final = """
local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000000 + time[2]
local granted, full, answer = 1, {}, {}
for i, key in ipairs(KEYS) do
    full[i] = math.max(now, tonumber(redis.call('GET', key) or now))
    if full[i] + ARGV[3 * i - 1] * ARGV[3 * i + 1] > now + ARGV[3 * i] then granted = 0 end
end
for i, key in ipairs(KEYS) do
    if granted == 1 then
        full[i] = full[i] + ARGV[3 * i - 1] * ARGV[3 * i + 1]
        redis.call('SET', key, string.format('%.0f', full[i]), 'PX', math.max(1, math.ceil((full[i] - now) / 1000)))
    end
    answer[i] = full[i] - now
end
return {granted, cmsgpack.pack(answer)}
"""
# Adds requests that were granted already to many buckets of one quota, or gives some back. KEYS: the first bucket, for
# its slot. ARGV: interval, window, the names of the buckets and the costs. The names are one argument, since the driver
# spends more on many arguments than on all else. Answers how far each bucket is ahead. That is never more than the
# window: else a subject that several processes have granted too much would be refused for longer than a window.
_ADD: Final = """
local time = redis.call('TIME')
local now, interval, window = time[1] * 1000000 + time[2], tonumber(ARGV[1]), tonumber(ARGV[2])
local answer = cmsgpack.unpack(ARGV[4])
for i, key in ipairs(cmsgpack.unpack(ARGV[3])) do
    local full = math.max(now, tonumber(redis.call('GET', key) or now)) + interval * answer[i]
    full = math.min(math.max(full, now), now + window)
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.max(1, math.ceil((full - now) / 1000)))
    answer[i] = full - now
end
return cmsgpack.pack(answer)
"""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[float]).decode


class BucketScripts:
    """Runs the scripts. Their times come from Valkey's clock, so clocks of processes may differ."""

    def __init__(self, redis: Redis) -> None:
        self._take, self._add = Script(redis, _TAKE), Script(redis, _ADD)

    async def take(
        self, keys: Sequence[str], quotas: Sequence[Quota], *, cost: int = 1, now_us: int | None = None
    ) -> tuple[bool, list[float]]:
        """Take from all buckets or, if one of them is used up, from none. On a cluster they are of one slot.

        Return whether it was granted, and for each bucket the seconds until it is full again. `now_us` takes the place
        of Valkey's clock.
        """
        arguments: list[str | int] = ["" if now_us is None else now_us]
        for quota in quotas:
            arguments += [_us(quota.interval_s), _us(quota.window_s), cost]
        granted, ahead = await self._take(keys, arguments)
        return bool(granted), [time / _US for time in _decode(ahead)]

    async def add(self, quota: Quota, keys: Sequence[str], costs: Sequence[int]) -> list[float]:
        """Charge buckets of one slot without a refusal, or give back by a negative cost.

        Return the seconds until each is full.
        """
        arguments: list[str | bytes] = [_us(quota.interval_s), _us(quota.window_s), _encode(keys), _encode(costs)]
        return [time / _US for time in _decode(await self._add(keys[:1], arguments))]


def _us(seconds: float) -> str:
    return f"{seconds * _US:.3f}"
