"""Decoding batches of BSON documents."""

from uuid import UUID, uuid4

import bson
from bson.codec_options import CodecOptions

from grome.infrastructure.mongo.client import decode_batch

_STANDARD_UUIDS: CodecOptions[dict[str, object]] = CodecOptions(uuid_representation=4)


def test_batch_decodes_ids_to_bytes_and_leaves_other_values() -> None:
    ids = [uuid4(), uuid4()]
    batch = b"".join(bson.encode({"booking_id": one, "count": 2**40}, codec_options=_STANDARD_UUIDS) for one in ids)
    found = decode_batch(batch)
    assert [UUID(bytes=document["booking_id"]) for document in found] == ids
    assert {type(document["booking_id"]) for document in found} == {bytes}
    assert [document["count"] for document in found] == [2**40, 2**40]


def test_batch_with_a_text_like_the_head_of_an_id_decodes_all_documents() -> None:
    text = "booking_id\x00\x10\x00\x00\x00\x04"
    first, second = decode_batch(bson.encode({"memo": text, "amount": 7}) + bson.encode({"amount": 8}))
    assert (len(first["memo"]), first["amount"], second["amount"]) == (len(text), 7, 8)
