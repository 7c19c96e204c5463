"""Objects by kind and id: in memory, written through to one table of SQLite at the end of each request."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from grome.dev.local_stripe.errors import Json, missing

_TABLE: Final = "CREATE TABLE IF NOT EXISTS objects (id TEXT PRIMARY KEY, kind TEXT, seq INTEGER, body TEXT)"
_WRITE: Final = (
    "INSERT INTO objects (id, kind, seq, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
)


class Store:
    """All objects of the server. Objects are mutable dicts; `put` an object again after each change."""

    def __init__(self, file: str) -> None:
        if file != ":memory:":
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(file, isolation_level=None)
        # A killed process loses nothing without syncing; only a crash of the machine does.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(_TABLE)
        self._objects: dict[str, Json] = {}
        self._kinds: defaultdict[str, dict[str, Json]] = defaultdict(dict)
        self._seq: dict[str, int] = {}
        self._dirty: dict[str, Json] = {}
        self._deleted: set[str] = set()
        last = 0
        for object_id, kind, seq, body in self._database.execute(
            "SELECT id, kind, seq, body FROM objects ORDER BY seq"
        ):
            self._objects[object_id] = self._kinds[kind][object_id] = json.loads(body)
            self._seq[object_id] = last = seq
        self._next = count(last + 1)

    def put(self, obj: Json) -> Json:
        """Add or update an object, and return it."""
        object_id = obj["id"]
        if object_id not in self._seq:
            self._seq[object_id] = next(self._next)
        self._objects[object_id] = self._kinds[obj["object"]][object_id] = self._dirty[object_id] = obj
        self._deleted.discard(object_id)
        return obj

    def delete(self, obj: Json) -> None:
        object_id = obj["id"]
        self._objects.pop(object_id, None)
        self._kinds[obj["object"]].pop(object_id, None)
        self._seq.pop(object_id, None)
        self._dirty.pop(object_id, None)
        self._deleted.add(object_id)

    def find(self, kind: str, object_id: str) -> Json | None:
        return self._kinds[kind].get(object_id)

    def find_any(self, object_id: str) -> Json | None:
        """Return the object of any kind with that id."""
        return self._objects.get(object_id)

    def get(self, kind: str, object_id: str, param: str = "id") -> Json:
        """Raises the 404 error `resource_missing`."""
        if found := self._kinds[kind].get(object_id):
            return found
        raise missing(kind, object_id, param)

    def newest(self, kind: str) -> Iterator[Json]:
        """Iterate over the objects of a kind, the newest first."""
        return reversed(list(self._kinds[kind].values()))

    def counts(self) -> dict[str, int]:
        return {kind: len(objects) for kind, objects in self._kinds.items() if objects}

    def flush(self) -> None:
        """Write all changes since the last flush to the file, in one transaction."""
        if not self._dirty and not self._deleted:
            return
        self._database.execute("BEGIN")
        self._database.executemany(
            _WRITE,
            [(key, obj["object"], self._seq[key], json.dumps(obj)) for key, obj in self._dirty.items()],
        )
        self._database.executemany("DELETE FROM objects WHERE id = ?", [(key,) for key in self._deleted])
        self._database.execute("COMMIT")
        self._dirty.clear()
        self._deleted.clear()

    def close(self) -> None:
        self.flush()
        self._database.close()
