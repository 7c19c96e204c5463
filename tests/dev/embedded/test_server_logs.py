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
def test_mongod_log_is_explained_by_its_first_error(line: dict[str, object], expected: str) -> None:
    aftermath = json.dumps({"s": "F", "msg": "aborting"})
    assert mongod.explain([STARTING, json.dumps(line), aftermath]) == expected


def test_mongod_log_that_is_not_json_is_explained_by_its_first_line() -> None:
    assert mongod.explain(["Error parsing command line: unrecognised option '--x'", "try --help"]) == (
        "Error parsing command line: unrecognised option '--x'"
    )


def test_mongod_log_without_an_error_is_explained_by_its_last_line() -> None:
    assert mongod.explain([STARTING]) == "Initialized wire specification"


def test_valkey_log_is_explained_by_its_last_line_without_the_prefix() -> None:
    lines = ["8:M 23 Nov 2026 04:59:38.576 * Configuration loaded", "8:M 23 Nov 2026 04:59:38.610 # Failed to listen"]
    assert valkey.explain(lines) == "Failed to listen"
    assert (
        valkey.explain(["Bad directive or wrong number of arguments"]) == "Bad directive or wrong number of arguments"
    )
