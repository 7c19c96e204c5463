"""A real mongod and a real Valkey under a home folder, for `grome run` and the tests. Imports nothing else of Grome."""

from grome.embedded.binaries import MONGOD, VALKEY, Program, find_binary
from grome.embedded.errors import CannotStart
from grome.embedded.servers import EmbeddedServers, embedded_servers

__all__ = ["MONGOD", "VALKEY", "CannotStart", "EmbeddedServers", "Program", "embedded_servers", "find_binary"]
