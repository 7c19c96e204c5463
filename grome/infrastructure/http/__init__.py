"""HTTP as every feature speaks it: routes declared from Structs, problem+json answers, opaque cursors."""

from grome.infrastructure.http.injection import container_of, resolve
from grome.infrastructure.http.paging import NextCursor, PageQuery, cut_page, decode_cursor
from grome.infrastructure.http.responses import problem, reply
from grome.infrastructure.http.routing import IdempotencyKey, Operation, Routes
from grome.infrastructure.rate_limits.models import LimitClass

__all__ = [
    "IdempotencyKey",
    "LimitClass",
    "NextCursor",
    "Operation",
    "PageQuery",
    "Routes",
    "container_of",
    "cut_page",
    "decode_cursor",
    "problem",
    "reply",
    "resolve",
]
