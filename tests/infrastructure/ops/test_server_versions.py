"""Servers that Grome cannot run on are named with the reason."""

import pytest

from grome.infrastructure.ops.versions import MongoServer, RedisServer


@pytest.mark.parametrize(
    ("server", "title", "told"),
    [
        (MongoServer("6.0.5", "rs0", is_mongos=False), "MongoDB 6.0.5, replica set rs0", None),
        (MongoServer("8.0.0", None, is_mongos=True), "MongoDB 8.0.0, mongos", None),
        (MongoServer("5.0.31", "rs0", is_mongos=False), "MongoDB 5.0.31, replica set rs0", "is too old"),
        (MongoServer("7.0.2", None, is_mongos=False), "MongoDB 7.0.2, standalone", "without a replica set"),
        (RedisServer("Valkey", "8.1.0"), "Valkey 8.1.0", None),
        (RedisServer("Valkey", "9.1.2", True, 3), "Valkey 9.1.2, cluster of 3 primaries", None),
        (RedisServer("Valkey", "9.1.2", is_cluster_node=True), "Valkey 9.1.2", "must begin with redis+cluster://"),
        (RedisServer("Redis", "6.2.14"), "Redis 6.2.14", "Redis 6.2.14 is too old"),
    ],
)
def test_server_that_grome_cannot_run_on_is_named_with_the_reason(
    server: MongoServer | RedisServer, title: str, told: str | None
) -> None:
    assert server.title == title
    assert (told is None) == (server.fault is None)
    assert told is None or told in (server.fault or "")
