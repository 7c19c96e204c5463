"""Bytes that clients send, and the verdict of RFC 6455: the frames and the close code that come back.

A row without a close code ends by the client's own close frame, which is answered.
"""

from dataclasses import dataclass
from typing import Final

from tests.infrastructure.websocket.conftest import MAX_MESSAGE_BYTES
from tests.infrastructure.websocket.raw_client import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Received,
    close_frame,
    frame,
)

PROTOCOL_ERROR, INVALID_DATA, TOO_BIG, NO_CODE, NO_CLOSE = 1002, 1007, 1009, 1005, 1006
GREEK: Final = "κόσμε".encode()
WHOLE: Final = bytes(range(256))


@dataclass(frozen=True)
class Row:
    """`closes_with` is the code of the server's close frame, or NO_CODE for one without, or NO_CLOSE for none.

    The listener gets the same code, but where `is_told` is another.
    """

    name: str
    sent: bytes
    answers: tuple[Received, ...] = ()
    closes_with: int | None = None
    is_told: int | None = None


def _echo(name: str, opcode: int, payload: bytes, *frames: bytes) -> Row:
    return Row(name, b"".join(frames) or frame(opcode, payload), (Received(opcode, payload),))


def _refused(name: str, code: int, *frames: bytes) -> Row:
    return Row(name, b"".join(frames), (), code)


def _closed(name: str, payload: bytes, code: int, more: bytes = b"") -> Row:
    return Row(name, frame(CLOSE, payload) + more, (), code)


def _lengths() -> list[Row]:
    sizes = (0, 1, 125, 126, 127, 128, 1_000, MAX_MESSAGE_BYTES)
    rows = [_echo(f"text of {size} bytes", TEXT, b"x" * size) for size in sizes]
    rows += [_echo(f"binary of {size} bytes", BINARY, b"\xfe" * size) for size in sizes]
    rows += [
        _refused(f"a {kind} of one byte too many", TOO_BIG, frame(opcode, b"x" * (MAX_MESSAGE_BYTES + 1)))
        for kind, opcode in (("text", TEXT), ("binary", BINARY))
    ]
    half = b"x" * (MAX_MESSAGE_BYTES // 2)
    return [
        *rows,
        _refused("fragments of one byte too many", TOO_BIG, frame(TEXT, half, fin=False), frame(CONT, half + b"x")),
        _echo("fragments of the largest size", TEXT, half * 2, frame(TEXT, half, fin=False), frame(CONT, half)),
        _refused("a head that promises 2^40 bytes", TOO_BIG, b"\x81\xff" + (2**40).to_bytes(8, "big")),
    ]


def _control() -> list[Row]:
    pongs = tuple(Received(PONG, bytes([number])) for number in range(10))
    return [
        *(
            Row(f"ping of {len(data)} bytes", frame(PING, data), (Received(PONG, data),))
            for data in (b"", b"a", WHOLE[:125])
        ),
        Row("ten pings", b"".join(frame(PING, pong.payload) for pong in pongs), pongs),
        _refused("ping of 126 bytes", PROTOCOL_ERROR, frame(PING, b"x" * 126)),
        _refused("pong of 126 bytes", PROTOCOL_ERROR, frame(PONG, b"x" * 126)),
        _refused("ping in fragments", PROTOCOL_ERROR, frame(PING, b"a", fin=False), frame(CONT, b"b")),
        Row("unasked pong", frame(PONG, b"unasked"), ()),
        Row("unasked pong, then ping", frame(PONG) + frame(PING, b"x"), (Received(PONG, b"x"),)),
    ]


def _reserved() -> list[Row]:
    kinds = (("text", TEXT), ("binary", BINARY), ("ping", PING), ("close", CLOSE))
    rows = [
        _refused(f"{kind} with reserved bits {bits:03b}", PROTOCOL_ERROR, frame(opcode, b"", reserved=bits))
        for kind, opcode in kinds
        for bits in (1, 2, 4, 7)
    ]
    rows += [
        _refused(f"reserved opcode {opcode}", PROTOCOL_ERROR, frame(opcode, b"x"))
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ]
    rows += [
        _refused(f"{kind} without a mask", PROTOCOL_ERROR, frame(opcode, b"", masked=False)) for kind, opcode in kinds
    ]
    return rows


def _fragments() -> list[Row]:
    pieces = [frame(TEXT, b"a", fin=False), *(frame(CONT, b"b", fin=False) for _ in range(50)), frame(CONT, b"c")]
    pong = Received(PONG, b"between")
    ping = frame(PING, b"between")
    begun = frame(TEXT, b"a", fin=False)
    return [
        _echo("text in two", TEXT, b"ab", begun, frame(CONT, b"b")),
        _echo("binary in two", BINARY, WHOLE, frame(BINARY, WHOLE[:9], fin=False), frame(CONT, WHOLE[9:])),
        _echo("text in 52", TEXT, b"a" + b"b" * 50 + b"c", *pieces),
        _echo("empty fragments", TEXT, b"", frame(TEXT, fin=False), frame(CONT, fin=False), frame(CONT)),
        _echo(
            "text between empty fragments",
            TEXT,
            b"x",
            frame(TEXT, fin=False),
            frame(CONT, b"x", fin=False),
            frame(CONT),
        ),
        Row("ping between fragments", begun + ping + frame(CONT, b"b"), (pong, Received(TEXT, b"ab"))),
        Row("pong between fragments", begun + frame(PONG) + frame(CONT, b"b"), (Received(TEXT, b"ab"),)),
        Row(
            "fragmented messages one after another",
            (begun + frame(CONT, b"b") + frame(BINARY, b"c", fin=False) + frame(CONT, b"d")),
            (Received(TEXT, b"ab"), Received(BINARY, b"cd")),
        ),
        _refused("continuation of nothing", PROTOCOL_ERROR, frame(CONT, b"x")),
        _refused("unfinished continuation of nothing", PROTOCOL_ERROR, frame(CONT, b"x", fin=False)),
        _refused("text within text", PROTOCOL_ERROR, begun, frame(TEXT, b"b")),
        _refused("binary within text", PROTOCOL_ERROR, begun, frame(BINARY, b"b")),
        _refused("text within text, unfinished", PROTOCOL_ERROR, begun, frame(TEXT, b"b", fin=False)),
        # The library refuses what the RFC leaves open.
        Row("close within text", begun + close_frame(1000), (), PROTOCOL_ERROR, is_told=1000),
    ]


def _utf8() -> list[Row]:
    valid = ["κόσμε", "\U0010ffff", "\uffff", "\x00", "\x7f\x80", "😀" * 30]
    rows = [_echo(f"text {text[:5]!r}", TEXT, text.encode()) for text in valid]
    invalid = [
        b"\xff",
        b"\x80",
        b"a\xc0\xafb",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        GREEK[:-1],
        GREEK + b"\xed",
    ]
    rows += [_refused(f"text {data!r}", INVALID_DATA, frame(TEXT, data)) for data in invalid]
    rows += [_echo(f"binary {data!r}", BINARY, data) for data in invalid]
    letters = [
        frame(TEXT, GREEK[:1], fin=False),
        *(frame(CONT, GREEK[at : at + 1], fin=False) for at in range(1, len(GREEK))),
    ]
    return [
        *rows,
        _echo("a letter split over frames", TEXT, GREEK, frame(TEXT, GREEK[:3], fin=False), frame(CONT, GREEK[3:])),
        _echo("every byte in a frame of its own", TEXT, GREEK, *letters, frame(CONT)),
        _refused("invalid first fragment", INVALID_DATA, frame(TEXT, b"\xff", fin=False)),
        _refused(
            "invalid second fragment", INVALID_DATA, frame(TEXT, GREEK, fin=False), frame(CONT, b"\xff", fin=False)
        ),
        _refused("a letter that never ends", INVALID_DATA, frame(TEXT, GREEK[:3], fin=False), frame(CONT)),
        _refused("a letter that the next message ends", INVALID_DATA, frame(TEXT, GREEK[:3]), frame(TEXT, GREEK[3:])),
    ]


def _closing() -> list[Row]:
    valid = (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999)
    invalid = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    rows = [_closed(f"close with {code}", code.to_bytes(2, "big"), code) for code in valid]
    rows += [
        _closed(f"close with {code}, which is refused", code.to_bytes(2, "big"), PROTOCOL_ERROR) for code in invalid
    ]
    normal = (1000).to_bytes(2, "big")
    return [
        *rows,
        _closed("close without a code", b"", NO_CODE),
        _closed("close with a reason", normal + "Müde".encode(), 1000),
        _closed("close with the longest reason", normal + b"x" * 123, 1000),
        _closed("close with too long a reason", normal + b"x" * 124, PROTOCOL_ERROR),
        _closed("close with half a code", b"\x03", PROTOCOL_ERROR),
        _closed("close with a reason that is not UTF-8", normal + b"\xff", INVALID_DATA),
        _closed("text after close", normal, 1000, frame(TEXT, b"late")),
        _closed("ping after close", normal, 1000, frame(PING, b"late")),
        _closed("close twice", normal, 1000, close_frame(3000)),
        _closed("garbage after close", normal, 1000, b"\xff" * 100),
        Row("nothing but the end of the stream", b"", (), NO_CLOSE),
        Row("the end of the stream within a frame", frame(TEXT, b"hello")[:-2], (), NO_CLOSE),
        Row("the end of the stream within a message", frame(TEXT, b"a", fin=False), (), NO_CLOSE),
    ]


def _streams() -> list[Row]:
    texts = [b"message %d" % number for number in range(500)]
    return [
        Row(
            "500 messages", b"".join(frame(TEXT, text) for text in texts), tuple(Received(TEXT, text) for text in texts)
        ),
        _refused("an HTTP request", PROTOCOL_ERROR, b"GET /echo HTTP/1.1\r\nHost: grome.test\r\n\r\n"),
        _refused("zeros", PROTOCOL_ERROR, bytes(100)),
        _refused("ones", PROTOCOL_ERROR, b"\xff" * 100),
    ]


ROWS: Final = [
    *_lengths(), *_control(), *_reserved(), *_fragments(), *_utf8(), *_closing(), *_streams(),
]  # fmt: skip
