"""Versions of MongoDB and Valkey, and the sentence for a server that Grome cannot run on."""

import re
from typing import Any, Final

import msgspec
from redis.asyncio import Redis

from grome.infrastructure.mongo.client import Database
from grome.infrastructure.redis.cluster import ClusterRedis

_OLDEST_MONGO: Final = 6
_OLDEST_REDIS: Final = 7


class MongoServer(msgspec.Struct, frozen=True):
    version: str
    replica_set: str | None
    is_mongos: bool

    @property
    def title(self) -> str:
        """'MongoDB 7.0.2, replica set rs0'."""
        place = f"replica set {self.replica_set}" if self.replica_set else "mongos" if self.is_mongos else "standalone"
        return f"MongoDB {self.version}, {place}"

    @property
    def fault(self) -> str | None:
        """Why Grome cannot run on this server, or None."""
        if major_of(self.version) < _OLDEST_MONGO:
            return f"MongoDB {self.version} is too old: Grome needs MongoDB {_OLDEST_MONGO} or newer."
        if not self.replica_set and not self.is_mongos:
            return (
                "MongoDB runs without a replica set, and transactions and change streams need one:"
                " start mongod with --replSet, run rs.initiate() once, and add ?replicaSet=… to GROME_MONGO_URL."
            )
        return None


class RedisServer(msgspec.Struct, frozen=True):
    """A server, or a cluster of `primaries` nodes with slots; 0 for a single server."""

    product: str
    version: str
    is_cluster_node: bool = False
    primaries: int = 0

    @property
    def title(self) -> str:
        """'Valkey 9.1.2', 'Valkey 9.1.2, cluster of 3 primaries'."""
        place = f", cluster of {self.primaries} primaries" if self.primaries else ""
        return f"{self.product} {self.version}{place}"

    @property
    def fault(self) -> str | None:
        """Why Grome cannot run on this server, or None."""
        if major_of(self.version) < _OLDEST_REDIS:
            return f"{self.title} is too old: Grome needs Valkey or Redis {_OLDEST_REDIS} or newer."
        if self.is_cluster_node and not self.primaries:
            return f"{self.title} is a node of a cluster: GROME_REDIS_URL must begin with redis+cluster://."
        return None


async def read_mongo_server(database: Database) -> MongoServer:
    hello = await database.command("hello")
    build = await database.command("buildInfo")
    return MongoServer(build["version"], hello.get("setName"), hello.get("msg") == "isdbgrid")


async def read_redis_server(redis: Redis) -> RedisServer:
    info: dict[str, Any] = await redis.info("server")
    primaries = (await redis.find_silent_primaries())[0] if isinstance(redis, ClusterRedis) else 0
    valkey, mode = info.get("valkey_version"), info.get("server_mode") or info.get("redis_mode")
    product, version = ("Valkey", valkey) if valkey else ("Redis", info["redis_version"])
    return RedisServer(product, version, mode == "cluster", primaries)


def major_of(version: str) -> int:
    """Return the first number of a version; 0 if it has none."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
