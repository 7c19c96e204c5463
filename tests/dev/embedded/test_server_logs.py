"""Lines as the servers print them, shortened."""

import json

import pytest

from grome.dev.embedded import mongod, valkey

STARTING = json.dumps({"s": "I", "msg": "Initialized wire specification", "attr": {"spec": {}}})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            {
                "s": "E",
                "msg": "Error setting up listener",
                "attr": {"error": {"code": 9001, "errmsg": "Address in use"}},
            },
            "Error setting up listener: Address in use",
        ),
        (
            {"s": "E", "msg": "DBException in initAndListen, terminating", "attr": {"error": "DBPathInUse: locked"}},
            "DBException in initAndListen, terminating: DBPathInUse: locked",
        ),
        (
            {"s": "E", "msg": "WiredTiger error", "attr": {"error": -31809, "message": {"error_str": "WT_PANIC"}}},
            "WiredTiger error: WT_PANIC",
        ),
        ({"s": "F", "msg": "Fatal assertion", "attr": {"msgid": 50853}}, 'Fatal assertion: {"msgid":50853}'),
    ],
)
def test_first_error_of_mongod_is_told(line: dict[str, object], expected: str) -> None:
    aftermath = json.dumps({"s": "F", "msg": "aborting"})
    assert mongod.explain([STARTING, json.dumps(line), aftermath]) == expected


def test_plain_line_of_mongod_is_told() -> None:
    assert mongod.explain(["Error parsing command line: unrecognised option '--x'", "try --help"]) == (
        "Error parsing command line: unrecognised option '--x'"
    )


def test_last_line_of_mongod_stands_in_for_an_error() -> None:
    assert mongod.explain([STARTING]) == "Initialized wire specification"


def test_last_line_of_valkey_is_told_without_its_prefix() -> None:
    lines = ["8:M 23 Nov 2026 04:59:38.576 * Configuration loaded", "8:M 23 Nov 2026 04:59:38.610 # Failed to listen"]
    assert valkey.explain(lines) == "Failed to listen"
    assert (
        valkey.explain(["Bad directive or wrong number of arguments"]) == "Bad directive or wrong number of arguments"
    )
