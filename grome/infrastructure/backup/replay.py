"""Replay entries of the oplog on a restored database.

Entries are applied in their order by MongoDB's `applyOps`, which understands the differences that an update is stored
as. Indexes are only noted, and built at the end: until then neither a unique index nor an expiry can interfere.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson.raw_bson import RawBSONDocument

from grome.infrastructure.backup.errors import BackupError
from grome.infrastructure.mongo.client import Database, Document, split_batch

Indexes = dict[str, dict[str, Document]]

_BATCH: Final = 500
_BATCH_BYTES: Final = 4 << 20
_WRITES: Final = frozenset({"i", "u", "d"})
_IGNORED: Final = frozenset({"startIndexBuild", "abortIndexBuild"})
_INDEX_FIELDS: Final = ("expireAfterSeconds", "hidden")


class Replay:
    """Applies the entries of the database `source` to another database, up to a moment."""

    def __init__(self, database: Database, source: str, indexes: Indexes, to: datetime | None) -> None:
        self._database, self._source, self._indexes, self._to = database, source, indexes, to
        self._pending: list[Document] = []
        self._pending_bytes = 0
        self._transactions: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
        self.applied = 0
        self.last: datetime | None = None
        self.is_past = False

    async def apply(self, batch: bytes) -> None:
        """Apply a raw batch of entries. After an entry beyond the moment, `is_past` is true and nothing is applied."""
        for raw in split_batch(batch):
            entry = RawBSONDocument(raw)
            if self.is_past or (self._to and entry["wall"].replace(tzinfo=self._to.tzinfo) > self._to):
                self.is_past = True
                break
            await self._apply_entry(entry)
        await self._flush()

    async def _apply_entry(self, entry: Mapping[str, Any]) -> None:
        operations = self._operations_of(entry)
        for operation in operations:
            if operation["ns"].partition(".")[0] != self._source:
                continue
            self.applied += 1
            self.last = entry["wall"]
            if operation["op"] in _WRITES:
                await self._add(operation)
            elif operation["op"] == "c":
                await self._flush()
                await self._change_collection(operation["o"])

    def _operations_of(self, entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return the operations that took effect with an entry; those of a long transaction with its last entry."""
        content = entry["o"]
        if entry["op"] != "c" or "applyOps" not in content:
            return [entry]
        if content.get("prepare"):
            raise BackupError("The oplog holds a transaction over several shards: back up a sharded cluster by volume.")
        operations = list(content["applyOps"])
        if "lsid" not in entry:
            return operations
        transaction = (bytes(entry["lsid"].raw), entry["txnNumber"])
        if content.get("partialTxn"):
            self._transactions.setdefault(transaction, []).extend(operations)
            return []
        operations = self._transactions.pop(transaction, []) + operations
        if content.get("count", len(operations)) != len(operations):
            raise BackupError("A transaction began before this backup: part of it is missing.")
        return operations

    async def _add(self, operation: Mapping[str, Any]) -> None:
        renamed = f"{self._database.name}.{operation['ns'].partition('.')[2]}"
        kept: Document = {"op": operation["op"], "ns": renamed, "o": operation["o"]}
        if "o2" in operation:
            kept["o2"] = operation["o2"]
        self._pending.append(kept)
        self._pending_bytes += len(operation["o"].raw)
        if len(self._pending) >= _BATCH or self._pending_bytes >= _BATCH_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        if self._pending:
            operations, self._pending, self._pending_bytes = self._pending, [], 0
            await self._database.client.admin.command({"applyOps": operations, "bypassDocumentValidation": True})

    async def _change_collection(self, content: Mapping[str, Any]) -> None:
        """Repeat the creation, change or removal of a collection, and note the same of its indexes."""
        kind = next(iter(content))
        match kind:
            case "create":
                options = {name: value for name, value in content.items() if name not in {"create", "idIndex"}}
                self._indexes.setdefault(content["create"], {})
                await self._database.command({"create": content["create"], **options})
            case "drop":
                self._indexes.pop(content["drop"], None)
                await self._database.drop_collection(content["drop"])
            case "renameCollection":
                await self._rename(content)
            case "createIndexes":
                spec = {name: value for name, value in content.items() if name != "createIndexes"}
                self._note_indexes(content["createIndexes"], [spec])
            case "commitIndexBuild":
                self._note_indexes(content["commitIndexBuild"], [dict(spec) for spec in content["indexes"]])
            case "dropIndexes" | "deleteIndexes":
                self._drop_indexes(self._indexes[content[kind]], content["index"])
            case "collMod":
                await self._modify(content)
            case _ if kind not in _IGNORED:
                raise BackupError(f"The oplog holds the command {kind}, which a restore cannot repeat.")

    async def _rename(self, content: Mapping[str, Any]) -> None:
        old, new = (content[field].partition(".")[2] for field in ("renameCollection", "to"))
        self._indexes[new] = self._indexes.pop(old, {})
        await self._database[old].rename(new, dropTarget=bool(content.get("dropTarget")))

    async def _modify(self, content: Mapping[str, Any]) -> None:
        changes = dict(content)
        if index := changes.pop("index", None):
            changed = {field: index[field] for field in _INDEX_FIELDS if field in index}
            self._indexes[changes["collMod"]][index["name"]].update(changed)
        if len(changes) > 1:
            await self._database.command(changes)

    def _note_indexes(self, collection: str, specs: Sequence[Document]) -> None:
        self._indexes.setdefault(collection, {}).update({spec["name"]: spec for spec in specs})

    @staticmethod
    def _drop_indexes(indexes: dict[str, Document], name: str) -> None:
        for dropped in [each for each in indexes if each != "_id_"] if name == "*" else [name]:
            indexes.pop(dropped, None)
