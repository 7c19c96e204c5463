"""`python -m checks.contract` separates texts from everything else that differs."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pymongo import MongoClient

from checks.contract import collections_of, main
from config.settings import Settings
from grome.bookings.repository import COLLECTION

OLD = {
    "openapi": {
        "info": {"title": "Grome"},
        "paths": {"/v1/me": {"get": {"summary": "Your account.", "parameters": [{"in": "query"}]}}},
        "components": {"schemas": {"Page": {"properties": {"title": {"type": "string"}}, "required": ["title"]}}},
    },
    "collections": {"users": {"options": {}, "indexes": {"words": {"key": {"title": "text"}}}}},
}


def compared(tmp_path: Path, *contracts: Any) -> tuple[int, str]:
    paths = [tmp_path / f"{number}.json" for number, _ in enumerate(contracts)]
    for path, contract in zip(paths, contracts, strict=True):
        path.write_text(json.dumps(contract))
    ended = CliRunner().invoke(main, [str(path) for path in paths])
    return ended.exit_code, ended.output


def changed(old: str, new: str) -> Any:
    text = json.dumps(OLD)
    assert text.count(old) == 1
    return json.loads(text.replace(old, new))


def test_equal_contracts_have_no_differences(tmp_path: Path) -> None:
    assert compared(tmp_path, OLD, OLD) == (0, "Texts: 0 differences\nEverything else: 0 differences\n")


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("Your account.", "Read your account.", "  - Your account.\n  + Read your account.\n"),
        ('"summary": "Your account.", ', "", "  - Your account.\n  + (absent)\n"),
    ],
)
def test_contract_text_change_is_listed_and_allowed(tmp_path: Path, old: str, new: str, lines: str) -> None:
    code, output = compared(tmp_path, OLD, changed(old, new))
    path = "openapi > paths > /v1/me > get > summary\n"
    assert output == f"Texts: 1 differences\n{path}{lines}Everything else: 0 differences\n"
    assert code == 0


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('"/v1/me"', '"/v1/you"', "openapi > paths > /v1/me\n"),
        ('"/v1/me"', '"/v1/you"', "openapi > paths > /v1/you\n"),
        ('[{"in": "query"}]', "[]", "openapi > paths > /v1/me > get > parameters\n"),
        ('"in": "query"', '"in": "path"', "openapi > paths > /v1/me > get > parameters > 0 > in\n"),
        ('{"type": "string"}', '"string"', "openapi > components > schemas > Page > properties > title\n"),
        ('{"type": "string"}', '{"type": "integer"}', "Page > properties > title > type\n"),
        ('["title"]', "[]", "openapi > components > schemas > Page > required\n"),
        ('"title": "text"', '"title": "hashed"', "collections > users > indexes > words > key > title\n"),
        ('"options": {}', '"options": {"validator": {}}', "collections > users > options > validator\n"),
    ],
)
def test_contract_change_outside_texts_is_listed_and_refused(tmp_path: Path, old: str, new: str, path: str) -> None:
    code, output = compared(tmp_path, OLD, changed(old, new))
    assert code == 1
    assert output.startswith("Texts: 0 differences\nEverything else: ")
    assert path in output


def test_contract_of_a_collection_has_its_validator_and_indexes(settings: Settings, database: None) -> None:  # noqa: ARG001
    with MongoClient[dict[str, Any]](settings.mongo.url) as client:
        bookings = collections_of(client[settings.mongo.database])[COLLECTION.name]
    assert bookings["options"]["validator"] == COLLECTION.validator
    assert bookings["indexes"].keys() == {"_id_", *(index.document["name"] for index in COLLECTION.indexes)}
    assert json.loads(json.dumps(bookings)) == bookings
