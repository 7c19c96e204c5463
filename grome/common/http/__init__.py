"""HTTP as every feature speaks it: routes declared from Structs, problem+json answers, opaque cursors."""

from grome.common.http.answers import problem, reply
from grome.common.http.operations import IdempotencyKey, Operation, Routes
from grome.common.http.paging import PageQuery, decode_cursor, encode_cursor

__all__ = [
    "IdempotencyKey",
    "Operation",
    "PageQuery",
    "Routes",
    "decode_cursor",
    "encode_cursor",
    "problem",
    "reply",
]
