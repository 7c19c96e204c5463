"""A real mongod and a real Valkey under a home folder, for `grome run` and the tests. Imports nothing else of Grome."""

from grome.dev.embedded.binaries import MONGOD, VALKEY, Program, find_binary, read_version
from grome.dev.embedded.errors import CannotStart
from grome.dev.embedded.servers import EmbeddedServers, embedded_servers

__all__ = [
    "MONGOD",
    "VALKEY",
    "CannotStart",
    "EmbeddedServers",
    "Program",
    "embedded_servers",
    "find_binary",
    "read_version",
]
