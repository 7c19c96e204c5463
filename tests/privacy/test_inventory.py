"""Each collection and each field of a collection is declared as personal data, or as none."""

import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

from pymongo import IndexModel

import grome
from grome.composition.personal_data import DECLARED
from grome.infrastructure.mongo.client import CollectionSpec
from grome.infrastructure.mongo.personal_documents import Fate, PersonalCollection, UnownedCollection
from grome.infrastructure.outbox.personal_entries import WITH_ADDRESSES

ROOT: Final = Path(__file__).parents[2]
_PERSONAL: list[PersonalCollection] = [each for each in DECLARED if isinstance(each, PersonalCollection)]
# Fields that name or describe a person.
_ABOUT_PEOPLE = frozenset(
    {"customer_id", "barber_id", "user_id", "owner_id", "actor_id", "people", "by", "name", "email", "phone", "address"}
    | {"addresses", "device", "ip", "text", "description", "guest_name", "guest", "house_call", "bio", "display_name"}
)
# Unowned collections with such a field, each with the reason that makes it harmless.
_HARMLESS = {
    "services": "the name and description of a service",
    "ledger_totals": "the name of an account of the ledger",
    "promo_hold_windows": "an id, for two hours",
}


def all_specs() -> dict[str, CollectionSpec]:
    """Return the collections of all modules, by name."""
    found = {}
    for module in pkgutil.walk_packages(grome.__path__, "grome."):
        if module.name.endswith(".__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, CollectionSpec):
                found[value.name] = value
    return found


def fields_of(spec: CollectionSpec) -> set[str]:
    return set(spec.validator["$jsonSchema"]["properties"])


def test_every_collection_is_declared_exactly_once() -> None:
    names = Counter(declared.spec.name for declared in DECLARED)
    assert names == Counter(all_specs().keys())


def test_every_field_of_a_personal_collection_is_exported_or_internal() -> None:
    for declared in _PERSONAL:
        name, fields = declared.spec.name, fields_of(declared.spec)
        exported = {field for share in declared.shares for field in share.exported}
        owners = {share.owner.partition(".")[0] for share in declared.shares}
        assert not exported & declared.internal, name
        assert exported | declared.internal | owners == fields, name
        changed = [path for share in declared.shares for path in (*share.cleared, *share.removed)]
        assert {path.partition(".")[0] for path in changed} <= fields, name


def test_documents_that_stay_have_a_reason_and_anonymising_changes_something() -> None:
    for declared in _PERSONAL:
        for share in declared.shares:
            assert bool(share.reason) is (share.fate is not Fate.ERASED), declared.spec.name
            changes = bool(share.cleared or share.removed or declared.handled_apart)
            assert share.fate is not Fate.ANONYMISED or changes, declared.spec.name


def test_origins_of_changes_in_documents_that_stay_are_cleared() -> None:
    """Entries of outboxes have the address of the client. The audit trail has it under the key of the person."""
    for declared in _PERSONAL:
        properties = declared.spec.validator["$jsonSchema"]["properties"]
        with_origin = {name for name, schema in properties.items() if "origin" in _item_fields(schema)}
        for share in declared.shares:
            cleared = {array for array, values in share.cleared_items.items() if "origin" in values}
            is_gone = share.fate is Fate.ERASED or declared.spec.name == "users"
            assert is_gone or cleared == with_origin, (declared.spec.name, share.owner)


def test_addresses_in_outbox_entries_are_erased_by_age_or_expire_with_their_documents() -> None:
    with_addresses = {name for name, spec in all_specs().items() if _has_address(spec.validator["$jsonSchema"])}
    assert with_addresses - WITH_ADDRESSES == {"exports", "sessions"}  # gone after 90 days
    assert with_addresses >= WITH_ADDRESSES


def _has_address(schema: dict[str, Any]) -> bool:
    """Return whether an object in the documents is a `RequestOrigin`."""
    fields = schema.get("properties", {})
    inner = [*fields.values(), *schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]
    return {"request_id", "address"} <= set(fields) or any(_has_address(each) for each in inner)


def test_documents_of_a_person_are_found_by_an_index() -> None:
    for declared in _PERSONAL:
        first_fields = {"_id"} | {_first_field(index) for index in declared.spec.indexes if _is_whole(index)}
        for share in declared.shares:
            reads = share.exported or share.fate is not Fate.KEPT or share.open_if is not None
            found = share.owner in first_fields or not reads or declared.handled_apart
            assert found, (declared.spec.name, share.owner)


def test_unowned_collection_has_a_reason_and_no_field_about_people() -> None:
    for declared in DECLARED:
        if isinstance(declared, UnownedCollection):
            assert declared.reason
            assert not fields_of(declared.spec) & _ABOUT_PEOPLE or declared.spec.name in _HARMLESS


def _item_fields(schema: dict[str, Any]) -> set[str]:
    return set(schema.get("items", {}).get("properties", {}))


def _first_field(index: IndexModel) -> str:
    return str(next(iter(index.document["key"])))


def _is_whole(index: IndexModel) -> bool:
    return "partialFilterExpression" not in index.document


def test_documentation_has_every_collection_in_its_tables() -> None:
    page = (ROOT / "docs" / "features" / "privacy.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(\w+)`", "\n".join(line for line in page.splitlines() if line.startswith("| `"))))
    assert {declared.spec.name for declared in DECLARED} - documented == set()
