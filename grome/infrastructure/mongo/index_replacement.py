"""Replace a unique index of a collection by indexes for shards, while the application serves."""

from dataclasses import dataclass
from datetime import datetime

from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    IndexReplacement,
    drop_index,
    find_rule,
    set_validator,
    without_deadline,
)


@dataclass(frozen=True, slots=True)
class ReplacementState:
    """Says which of the old index, the new indexes and the validator's rule a collection has."""

    has_old: bool
    has_new: bool
    has_rule: bool

    @property
    def is_replaced(self) -> bool:
        return self.has_new and self.has_rule and not self.has_old


async def read_state(database: Database, spec: CollectionSpec) -> ReplacementState:
    replacement = _replacement_of(spec)
    names = (await database[spec.name].index_information()).keys()
    return ReplacementState(
        replacement.old in names, replacement.new_names <= names, bool(await find_rule(database, spec))
    )


async def replace_index(database: Database, spec: CollectionSpec, now: datetime) -> None:
    """Build the new indexes, set the rule, and drop the old index; a repeat continues an interrupted replacement.

    The old index holds until the rule is set. From then on the database refuses the documents of a process that does
    not follow the rule.
    """
    replacement = _replacement_of(spec)
    with without_deadline():
        await database[spec.name].create_indexes(list(replacement.new))
        if not await find_rule(database, spec):
            await set_validator(database, spec, replacement.rule(now))
        await drop_index(database[spec.name], replacement.old)


def _replacement_of(spec: CollectionSpec) -> IndexReplacement:
    if spec.replacement is None:
        raise ValueError(f"{spec.name} has no index that can be replaced")
    return spec.replacement
