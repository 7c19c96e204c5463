"""The head of an HTTP/1.1 request, judged by RFC 9112 before anything is parsed from it.

A proxy in front of the server and the server must agree on the end of each request. A head that leaves room for two
opinions is refused.
"""

import re
from typing import Final

from msgspec import Struct

from grome.common.errors import (
    BadRequest,
    HeadTooLarge,
    MethodNotAllowed,
    NotFound,
    NotImplementedHere,
    TargetTooLong,
    VersionNotSupported,
)

# RFC 9112, section 3, asks for 8,000 bytes at least.
MAX_REQUEST_LINE: Final = 8_192
# Sanic's own limit is 16,384 bytes, and a head may grow a little where it is rewritten.
MAX_HEAD: Final = 16_000
MAX_FIELDS: Final = 100
_MAX_METHOD: Final = 32
_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"

_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_REQUEST_LINE: Final = re.compile(rb"(%b{1,%d}) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])" % (_TOKEN, _MAX_METHOD))
_LONG_METHOD: Final = re.compile(rb"%b{%d}" % (_TOKEN, _MAX_METHOD + 1))
_LINE_BEGINNING: Final = re.compile(rb"%b{1,%d}(?: |\Z)" % (_TOKEN, _MAX_METHOD))
_ABSOLUTE_FORM: Final = re.compile(rb"https?://([^/?#@]+)([/?].*)?", re.IGNORECASE)
_AUTHORITY_FORM: Final = re.compile(rb"[^/?#@]+:[0-9]+")
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::[0-9]*)?", re.ASCII)
# Tab, and all that is no control character; an obsolete folded line begins with white space and so has no name.
_FIELDS: Final = re.compile(rb"(?:\r\n%b++:[\t\x20-\x7e\x80-\xff]*+)*+" % _TOKEN)
_DECIDING: Final = re.compile(rb"\r\n(host|content-length|transfer-encoding|connection):[\t ]*([^\r]*)", re.IGNORECASE)
_BARE_LINE_BREAK: Final = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")


class Fields(Struct, frozen=True):
    """Facts that decide how a request is read. `coding` is the transfer coding as the client wrote it."""

    coding: bytes | None
    closes: bool


class RequestHead(Struct, frozen=True):
    """`rewritten` is the head in the form that Sanic reads, or None where the client's own is in that form."""

    method: bytes
    is_http_1_0: bool
    closes: bool
    rewritten: bytes | None


def read_head(head: bytes) -> RequestHead:
    """Raises a ApiError where RFC 9112 asks for one. `head` ends before its empty line."""
    line, _, _ = head.partition(b"\r\n")
    method, target, is_http_1_0 = read_request_line(line)
    if len(head) > MAX_HEAD:
        raise HeadTooLarge
    fields = read_fields(head[len(line) :], is_http_1_0=is_http_1_0)
    usual_line = b"%b %b HTTP/1.%d" % (method, target, 0 if is_http_1_0 else 1)
    rewritten = None
    if usual_line != line or fields.coding not in (None, b"chunked"):
        rewritten = usual_line + _usual_fields(head[len(line) :], line)
    return RequestHead(method, is_http_1_0, fields.closes, rewritten)


def read_request_line(line: bytes) -> tuple[bytes, bytes, bool]:
    """Return the method, the target in origin-form, and whether the version is HTTP/1.0 (RFC 9112, section 3)."""
    if len(line) > MAX_REQUEST_LINE:
        raise NotImplementedHere("The method is too long.") if _LONG_METHOD.match(line) else TargetTooLong
    parts = _REQUEST_LINE.fullmatch(line)
    if parts is None:
        if _LONG_METHOD.match(line):
            raise NotImplementedHere("The method is too long.")
        raise BadRequest(400, "The first line is not a method, a target and a version with one space between them.")
    method, target, major, minor = parts.groups()
    if major != b"1":
        raise VersionNotSupported
    return method, _origin_form(method, target), minor == b"0"


def _origin_form(method: bytes, target: bytes) -> bytes:
    """Return the target as path and query (RFC 9112, section 3.2)."""
    if method == b"CONNECT":
        if _AUTHORITY_FORM.fullmatch(target):
            raise MethodNotAllowed("This server is no proxy.", headers={"Allow": _METHODS})
        raise BadRequest(400, "The target of CONNECT is not a host and a port.")
    if target == b"*":
        if method == b"OPTIONS":
            raise MethodNotAllowed(headers={"Allow": _METHODS})
        raise BadRequest(400, "The target `*` is for OPTIONS alone.")
    if absolute := _ABSOLUTE_FORM.fullmatch(target):
        path = absolute[2] or b""
        target = path if path.startswith(b"/") else b"/" + path
    if not target.startswith(b"/") or b"#" in target:
        raise BadRequest(400, "The target is neither a path nor a whole http address, without a fragment.")
    if target.startswith(b"//"):
        raise NotFound("There is no such address.")
    return target


def read_fields(fields: bytes, *, is_http_1_0: bool = False) -> Fields:
    """`fields` are the lines of the head, each with the CRLF before it (RFC 9112, sections 3.2, 5 and 6)."""
    if not _FIELDS.fullmatch(fields):
        raise BadRequest(400, "A header field is not a name, a colon and a value without control characters.")
    if fields.count(b"\r\n") > MAX_FIELDS:
        raise HeadTooLarge(f"There are more than {MAX_FIELDS} header fields.")
    found: dict[bytes, list[bytes]] = {}
    for name, value in _DECIDING.findall(fields):
        found.setdefault(name.lower(), []).append(value)
    hosts, lengths, codings = (found.get(name, []) for name in (b"host", b"content-length", b"transfer-encoding"))
    if len(hosts) > 1 or not (hosts or is_http_1_0):
        raise BadRequest(400, "There is not exactly one Host field.")
    if hosts and not _HOST.fullmatch(hosts[0].rstrip(b"\t ")):
        raise BadRequest(400, "The Host field is not a host with or without a port.")
    if lengths or codings:
        _check_framing(lengths, codings, is_http_1_0=is_http_1_0)
    closes = any(value.rstrip(b"\t ").lower() == b"close" for value in found.get(b"connection", ()))
    return Fields(codings[0] if codings else None, closes)


def _check_framing(lengths: list[bytes], codings: list[bytes], *, is_http_1_0: bool) -> None:
    """RFC 9112, section 6: the length of a body is told in one way, once."""
    if lengths and codings:
        raise BadRequest(400, "Content-Length and Transfer-Encoding exclude each other.")
    if len(lengths) > 1 or (lengths and not lengths[0].rstrip(b"\t ").isdigit()):
        raise BadRequest(400, "Content-Length is not one number in decimal digits.")
    if not codings:
        return
    if is_http_1_0:
        raise BadRequest(400, "HTTP/1.0 has no Transfer-Encoding.")
    names = [name.strip(b" \t").lower() for name in b",".join(codings).split(b",")]
    if names[-1] != b"chunked" or names.count(b"chunked") > 1:
        raise BadRequest(400, "Chunked is not the last transfer coding, once.")
    if len(names) > 1:
        raise NotImplementedHere("Chunked is the only transfer coding here.")


def _usual_fields(fields: bytes, line: bytes) -> bytes:
    """Write `chunked` as Sanic compares it; the host of an absolute target replaces the Host that was sent."""
    absolute = _ABSOLUTE_FORM.fullmatch(line.split(b" ")[1])

    def usual(field: re.Match[bytes]) -> bytes:
        name = field[1].lower()
        if name == b"transfer-encoding":
            return b"\r\ntransfer-encoding: chunked"
        return b"\r\nhost: " + absolute[1] if absolute and name == b"host" else field[0]

    return _DECIDING.sub(usual, fields)


def are_fields(lines: bytes) -> bool:
    return _FIELDS.fullmatch(lines) is not None


def check_beginning(beginning: bytes) -> None:
    """Refuse a head that has not arrived whole, as soon as nothing that follows could mend it."""
    if _BARE_LINE_BREAK.search(beginning):
        raise BadRequest(400, "A line ends with CR or LF alone.")
    line, end, _ = beginning.partition(b"\r\n")
    is_possible = not line or _LINE_BEGINNING.match(line.removesuffix(b"\r"))
    if end or len(line) > MAX_REQUEST_LINE or not is_possible:
        read_request_line(line)
    if len(beginning) > MAX_HEAD:
        raise HeadTooLarge
