"""Bodies, queries and paths are refused with all their faults, in plain words."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, Struct

from grome.common.errors import ApiError, Invalid, MalformedBody
from grome.infrastructure.http.decoding import BodyDecoder, QueryDecoder, decode_all, decode_path

_ID = "0190a0a0-0000-7000-8000-000000000000"
_JSON = {"content-type": "application/json"}


class Order(StrEnum):
    UP = "up"
    DOWN = "down"


class Item(Struct, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1)]
    note: Annotated[str, Meta(max_length=5)] = ""


class Body(Struct, forbid_unknown_fields=True):
    name: str
    items: Annotated[list[Item], Meta(max_length=3)] = []


class Tolerant(Struct):
    name: str = ""


class Query(Struct, forbid_unknown_fields=True):
    near: Annotated[float, Meta(ge=-90, le=90)]
    at: datetime | None = None
    open_now: bool = False
    order: Order = Order.UP
    ids: list[UUID] = []


class SentRequest:
    """The parts of a request that decoders read."""

    def __init__(self, body: bytes, query: dict[str, list[str]] | None = None) -> None:
        self.body, self.headers, self._query = body, _JSON, query or {}
        self.query_string = "&".join(self._query)

    def get_args(self, **_: object) -> dict[str, list[str]]:
        return self._query


def _refusal(body: bytes, query: dict[str, list[str]] | None = None) -> ApiError:
    decoders = {"query": QueryDecoder(Query), "body": BodyDecoder(Body)} if query else {"body": BodyDecoder(Body)}
    request: Any = SentRequest(body, query)
    with pytest.raises(ApiError) as refused:
        decode_all(request, decoders)
    return refused.value


def test_body_with_faults_names_them_in_their_order_and_counts_them() -> None:
    refusal = _refusal(b'{"items": [{"size": 0, "note": "abcdef"}, {"sise": 1}]}')
    assert isinstance(refusal, Invalid)
    assert refusal.faults == (
        ("items[0].size", "is less than 1"),
        ("items[0].note", "is longer than 5 characters"),
        ("items[1].sise", "is not a known field; did you mean size?"),
        ("items[1].size", "is required"),
        ("name", "is required"),
    )
    assert refusal.detail == "items[0].size: is less than 1 (the first of 5 faults)"


def test_body_and_query_with_faults_are_refused_together() -> None:
    refusal = _refusal(b"{}", {"near": ["91"]})
    assert refusal.faults == (("near", "is more than 90"), ("name", "is required"))


def test_query_with_faults_hides_that_the_body_is_unreadable() -> None:
    assert _refusal(b"{", {"near": ["91"]}).faults == (("near", "is more than 90"),)


def test_body_with_more_faults_than_are_named_says_so() -> None:
    refusal = _refusal(b'{"name": "", ' + b", ".join(b'"x%d": 1' % number for number in range(40)) + b"}")
    assert len(refusal.faults) == 20
    assert refusal.detail.endswith("(the first of more than 20 faults)")


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        (b'{"name": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "name", "is not text"),
        (b'{"name": ' + b"9" * 5_000 + b"}", "name", "is not text"),
        (b'{"name": "", "items": [{"size": ' + b"9" * 5_000 + b"}]}", "items[0].size", "lies outside the limits of"),
        (b'{"name": "", "items": [{"size": 0}], "x": "' + b"x" * 140_000 + b'"}', "items[0].size", "lies outside the"),
        (b'{"name": "", "items": [{}], "x": "' + b"x" * 140_000 + b'"}', "items[0].size", "is required"),
        (b'{"name": "", "x": "' + b"x" * 140_000 + b'"}', "x", "is not a known field"),
        (
            b'{"name": "", "items": [{"size": null}], "": "' + b"x" * 140_000 + b'"}',
            "items[0].size",
            "must not be null",
        ),
        (b'{"name": 1, "name": ""}', "name", "is not text"),
        (b'{"name": "' + b"x" * 140_000 + b'", "items": {}}', "items", "is not a list"),
    ],
    ids=["deep", "huge number", "huge number for a number", "large", "missing", "unknown", "null", "twice", "list"],
)
def test_body_that_costs_too_much_to_take_apart_is_refused_with_its_first_fault(
    body: bytes, path: str, message: str
) -> None:
    refusal = _refusal(body)
    assert [fault[0] for fault in refusal.faults] == [path]
    assert refusal.faults[0][1].startswith(message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"name"', "is not complete JSON"),
        (b'{"name": x}', "is not valid JSON from byte 9 on"),
        (b'{"name": 1, "x": NaN}', "is not valid JSON from byte 17 on"),
        (b'{"name": "caf\xe9"}', "is not UTF-8"),
    ],
)
def test_unreadable_body_is_refused_with_the_place(body: bytes, message: str) -> None:
    refusal = _refusal(body)
    assert isinstance(refusal, MalformedBody)
    assert refusal.faults == (("body", message),)


def test_body_with_an_unknown_field_that_is_too_deep_is_refused_where_unknown_fields_are_ignored() -> None:
    request: Any = SentRequest(b'{"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}")
    with pytest.raises(MalformedBody) as refused:
        BodyDecoder(Tolerant)(request)
    assert refused.value.faults == (("body", "is nested too deeply"),)


def test_query_with_faults_names_them_in_their_order() -> None:
    sent = {
        "at": ["1801130400"],
        "open_now": ["maybe"],
        "ordre": ["up"],
        "order": ["left"],
        "ids": [f"{_ID},x"],
        "\udcff": ["1"],
    }
    assert _refusal(b'{"name": ""}', sent).faults == (
        ("at", "is not a time (RFC 3339), such as 2026-12-01T08:00:00Z"),
        ("open_now", "is not true or false"),
        ("ordre", "is not a known field; did you mean order?"),
        ("order", "is not one of: up, down"),
        ("ids[1]", "is not an id (UUID)"),
        ("query", "has a field whose name is not UTF-8"),
        ("near", "is required"),
    )


@pytest.mark.parametrize(
    ("near", "message"),
    [
        (["x"], "is not a number"),
        (["nan"], "is not a finite number"),
        (["-91"], "is less than -90"),
        (["1", "2"], "is given more than once"),
        (["\udcff"], "is not UTF-8"),
        ([""], "is not a number"),
    ],
)
def test_query_field_with_a_wrong_value_is_refused_in_plain_words(near: list[str], message: str) -> None:
    assert _refusal(b'{"name": ""}', {"near": near}).faults == (("near", message),)


def test_query_with_null_for_an_optional_field_is_refused() -> None:
    sent = {"near": ["1"], "at": ["null"]}
    assert _refusal(b'{"name": ""}', sent).faults == (("at", "must not be null"),)


@pytest.mark.parametrize("text", ["", "x", "1", _ID[:-1], f"{{{_ID}}}"])
def test_path_with_malformed_parts_is_refused_with_all_of_them(text: str) -> None:
    kinds: dict[str, type] = {"booking_id": UUID, "name": str, "day": date}
    with pytest.raises(Invalid) as refused:
        decode_path({"booking_id": text, "name": "%41", "day": "2027-02-30"}, kinds)
    assert refused.value.faults == (
        ("booking_id", "is not an id (UUID)"),
        ("day", "is not a date, such as 2026-12-01"),
    )


def test_path_is_decoded_to_ids_dates_and_texts() -> None:
    kinds: dict[str, type] = {"booking_id": UUID, "name": str}
    assert decode_path({"booking_id": _ID, "name": "a%20b"}, kinds) == {"booking_id": UUID(_ID), "name": "a b"}


def test_request_without_faults_is_decoded_to_its_parts() -> None:
    body = msgspec.json.encode(Body("x", [Item(1)]))
    request: Any = SentRequest(body, {"near": ["1"], "ids": [_ID]})
    decoded = decode_all(request, {"query": QueryDecoder(Query), "body": BodyDecoder(Body)})
    assert decoded == {"query": Query(1.0, ids=[UUID(_ID)]), "body": Body("x", [Item(1)])}
