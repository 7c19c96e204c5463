"""Raw requests and the verdict that RFC 9112 has for each."""

from dataclasses import dataclass

from tests.builders.searches import NEARBY

SEARCH = f"GET {NEARBY}?lat=10&lng=-140&limit=5".encode()
PROBE = SEARCH + b" HTTP/1.1\r\nHost: x\r\nX-Request-ID: probe\r\n%b\r\n"
LAST_PROBE = PROBE % b"Connection: close\r\n"
# A search as the fast path likes it, which lies where a body belongs.
SMUGGLED = SEARCH + b" HTTP/1.1\r\nHost: x\r\nX-Request-ID: smuggled\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1"
LOGIN = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = b'{"email": "nobody@example.com", "password": "not-the-password"}'


@dataclass(frozen=True)
class Row:
    """`section` is of RFC 9112 unless another RFC is named. `kept` says that the connection goes on."""

    section: str
    request: bytes
    status: int
    kept: bool = False

    def __str__(self) -> str:
        return f"{self.section}-{self.request[:60]!r}-{self.status}"


def get(*lines: bytes, start: bytes = LIVE, host: bytes = b"Host: x\r\n") -> bytes:
    return start + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    return LOGIN + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def chunked(body: bytes, coding: bytes = b"Transfer-Encoding: chunked") -> bytes:
    return post(coding, body=body)


def chunk(size: bytes, data: bytes = BODY, rest: bytes = b"0\r\n\r\n") -> bytes:
    return size + b"\r\n" + data + b"\r\n" + rest


SIZE = b"%x" % len(BODY)
LENGTH = b"Content-Length: %d" % len(BODY)
SPLIT_CHUNKS = chunked(chunk(SIZE + b";a=b", rest=b"0\r\nX-A: b\r\n\r\n"), b"Transfer-Encoding: Chunked")
REQUEST_LINES = [
    Row("3", get(), 200, kept=True),
    Row("2.2", b"\r\n" + get(), 200, kept=True),
    Row("2.2", b"\r\n\r\n" + get(), 200, kept=True),
    Row("3", get(start=b"GET  /health/live HTTP/1.1"), 400),
    Row("3", get(start=b"GET /health/live  HTTP/1.1"), 400),
    Row("3", get(start=b"GET\t/health/live HTTP/1.1"), 400),
    Row("3", get(start=b"GET /health/live HTTP/1.1 "), 400),
    Row("3", get(start=b" GET /health/live HTTP/1.1"), 400),
    Row("3", get(start=b"GET /health /live HTTP/1.1"), 400),
    Row("3", get(start=b"GET /health/live"), 400),
    Row("3", get(start=b"GET"), 400),
    Row("3", get(start=b"G(T /health/live HTTP/1.1"), 400),
    Row("3", get(start=b"G\xc3\x89T /health/live HTTP/1.1"), 400),
    Row("3", get(start=b"M" * 33 + b" /health/live HTTP/1.1"), 501),
    Row("3", get(start=b"M" * 9_000 + b" /health/live HTTP/1.1"), 501),
    Row("9110 9.1", get(start=b"get /health/live HTTP/1.1"), 405, kept=True),
    Row("9110 9.1", get(start=b"head /health/live HTTP/1.1"), 405, kept=True),
    Row("9110 9.1", get(start=b"PURGE /health/live HTTP/1.1"), 405, kept=True),
    Row("2.3", get(start=b"GET /health/live HTTP/2.0"), 505),
    Row("2.3", get(start=b"PRI * HTTP/2.0"), 505),
    Row("2.3", get(start=b"GET /health/live HTTP/0.9"), 505),
    Row("2.3", get(start=b"GET /health/live HTTP/9.9"), 505),
    Row("2.3", get(start=b"GET /health/live HTTP/1.2"), 200, kept=True),
    Row("2.3", get(start=b"GET /health/live HTTP/1.0"), 200),
    Row("9.3", get(b"Connection: keep-alive", start=b"GET /health/live HTTP/1.0"), 200, kept=True),
    Row("2.3", get(start=b"GET /health/live HTTP/1.10"), 400),
    Row("2.3", get(start=b"GET /health/live HTTP/2"), 400),
    Row("2.3", get(start=b"GET /health/live http/1.1"), 400),
    Row("2.3", get(start=b"GET /health/live ICY/1.1"), 400),
    Row("2.3", get(start=b"GET /health/live HTTP/1.\xd9\xa1"), 400),
    Row("2.2", b"GET /health/live HTTP/1.1\n\n", 400),
    Row("2.2", b"GET /health/live HTTP/1.1\nHost: x\n\n", 400),
    Row("2.2", b"GET /health/live HTTP/1.1\nHost: x\r\n\r\n", 400),
    Row("2.2", b"GET /health/live HTTP/1.1\rHost: x\r\n\r\n", 400),
    Row("3", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    Row("3", b"GET /health/live\r\n", 400),
    Row("3", get(start=b"GET /" + b"x" * 9_000 + b" HTTP/1.1"), 414),
    Row("3", get(start=b"GET /?q=" + b"x" * 9_000 + b" HTTP/1.1"), 414),
    Row("3", b"GET /" + b"x" * 20_000, 414),
    Row("3", get(start=b"GET /?q=" + b"x" * 7_990 + b" HTTP/1.1"), 307, kept=True),
]
TARGETS = [
    Row("3.2.1", get(start=b"GET // HTTP/1.1"), 404),
    Row("3.2.1", get(start=b"GET ///?a=1 HTTP/1.1"), 404),
    Row("3.2.1", get(start=b"GET //x.example/health/live HTTP/1.1"), 404),
    Row("3.2.1", get(start=b"GET /health//live HTTP/1.1"), 404, kept=True),
    Row("3.2.1", get(start=b"GET /%zz HTTP/1.1"), 404, kept=True),
    Row("3.2.1", get(start=b"GET /% HTTP/1.1"), 404, kept=True),
    Row("3.2.1", get(start=b"GET /%00 HTTP/1.1"), 404, kept=True),
    Row("3.2.1", get(start=b"GET /..%2f..%2fetc/passwd HTTP/1.1"), 404, kept=True),
    Row("3.2.1", get(start=b"GET /../../etc/passwd HTTP/1.1"), 404, kept=True),
    Row("3.2.1", get(start=b"GET /a:80 HTTP/1.1"), 404, kept=True),
    Row("3.2.1", get(start=b'GET /a|b{c}^`<>" HTTP/1.1'), 404, kept=True),
    Row("3.2.1", get(start=b"GET /health/live?? HTTP/1.1"), 422, kept=True),
    Row("3.2.1", get(start=b"GET /health/live#a HTTP/1.1"), 400),
    Row("3.2.1", get(start=b"GET /caf\xc3\xa9 HTTP/1.1"), 400),
    Row("3.2.1", get(start=b"GET /caf\xe9 HTTP/1.1"), 400),
    Row("3.2.1", get(start=b"GET /a\x00b HTTP/1.1"), 400),
    Row("3.2.1", get(start=b"GET /a\x7fb HTTP/1.1"), 400),
    Row("3.2", get(start=b"GET nonsense HTTP/1.1"), 400),
    Row("3.2", get(start=b"GET ?a=1 HTTP/1.1"), 400),
    Row("3.2", get(start=b"GET a.example:443 HTTP/1.1"), 400),
    Row("3.2.2", get(start=b"GET http://y.example:80/health/live HTTP/1.1"), 200, kept=True),
    Row("3.2.2", get(start=b"GET HTTP://y.example/health/live HTTP/1.1"), 200, kept=True),
    Row("3.2.2", get(start=b"GET https://y.example HTTP/1.1"), 307, kept=True),
    Row("3.2.2", get(start=b"GET http://y.example?a=1 HTTP/1.1"), 307, kept=True),
    Row("3.2.2", get(start=b"GET http://y.example//a HTTP/1.1"), 404),
    Row("3.2.2", get(start=b"GET http:// HTTP/1.1"), 400),
    Row("3.2.2", get(start=b"GET http:///health/live HTTP/1.1"), 400),
    Row("3.2.2", get(start=b"GET http://a@y.example/ HTTP/1.1"), 400),
    Row("3.2.2", get(start=b"GET ftp://y.example/ HTTP/1.1"), 400),
    Row("3.2.2", get(start=b"GET http://y.example/health/live HTTP/1.1", host=b""), 400),
    Row("3.2.3", get(start=b"CONNECT a.example:443 HTTP/1.1"), 405),
    Row("3.2.3", get(start=b"CONNECT / HTTP/1.1"), 400),
    Row("3.2.3", get(start=b"CONNECT a.example HTTP/1.1"), 400),
    Row("3.2.4", get(start=b"OPTIONS * HTTP/1.1"), 405),
    Row("3.2.4", get(start=b"GET * HTTP/1.1"), 400),
    Row("9110 9.3.7", get(start=b"OPTIONS /health/live HTTP/1.1"), 405, kept=True),
    Row("9110 9.3.8", get(start=b"TRACE /health/live HTTP/1.1"), 405, kept=True),
    Row("9110 9.3.2", get(start=b"HEAD /health/live HTTP/1.1"), 200, kept=True),
    Row("9110 9.3.2", get(start=b"HEAD // HTTP/1.1"), 404),
]
FIELDS = [
    Row("3.2", get(host=b""), 400),
    Row("3.2", get(start=SEARCH + b" HTTP/1.1", host=b""), 400),
    Row("3.2", get(host=b"Host: x\r\nHost: y\r\n"), 400),
    Row("3.2", get(host=b"Host: x\r\nHost: x\r\n"), 400),
    Row("3.2", get(start=SEARCH + b" HTTP/1.1", host=b"Host: x\r\nhost: x\r\n"), 400),
    Row("3.2", get(host=b"", start=b"GET /health/live HTTP/1.0"), 200),
    Row("3.2", get(host=b"Host:\r\n"), 200, kept=True),
    Row("3.2", get(host=b"HOST:x.example:8000 \r\n"), 200, kept=True),
    Row("3.2", get(host=b"Host: [::1]:8000\r\n"), 200, kept=True),
    Row("3.2", get(host=b"Host: a b\r\n"), 400),
    Row("3.2", get(host=b"Host: a/b\r\n"), 400),
    Row("3.2", get(host=b"Host: a@b\r\n"), 400),
    Row("3.2", get(host=b"Host: a:b\r\n"), 400),
    Row("3.2", get(host=b"Host: caf\xe9\r\n"), 400),
    Row("5.1", get(b"X-A : b"), 400),
    Row("5.1", get(b"X-A\t: b"), 400),
    Row("5.1", get(b"X A: b"), 400),
    Row("5.1", get(b": b"), 400),
    Row("5.1", get(b"no colon"), 400),
    Row("5.1", get(b"X(A): b"), 400),
    Row("5.1", get(b"X-\xc3\x89: b"), 400),
    Row("5.1", get(b"X-A:b", b"x-B:", b"X-C: \t d \t"), 200, kept=True),
    Row("5.2", get(b"X-A: b", b" c"), 400),
    Row("5.2", get(b"X-A: b", b"\tc"), 400),
    Row("5.2", get(b" X-A: b", host=b""), 400),
    Row("9110 5.5", get(b"X-A: a\x00b"), 400),
    Row("9110 5.5", get(b"X-A: a\nX-B: b"), 400),
    Row("9110 5.5", get(b"X-A: a\rb"), 400),
    Row("9110 5.5", get(b"X-A: a\x1bb"), 400),
    Row("9110 5.5", get(b"X-A: a\x7fb"), 400),
    Row("9110 5.5", get(b"X-A: caf\xe9 \xc3\xa9"), 200, kept=True),
    Row("9110 5.5", get(b"X-A: a\x00b", start=SEARCH + b" HTTP/1.1"), 400),
    Row("9110 5.5", get(b"X-A: a\nb", start=SEARCH + b" HTTP/1.1"), 400),
    Row("5.1", get(b"X-A : b", start=SEARCH + b" HTTP/1.1"), 400),
    Row("6585 5", get(b"X-A: " + b"a" * 16_000), 431),
    Row("6585 5", b"GET / HTTP/1.1\r\nX-A: " + b"a" * 20_000, 431),
    Row("6585 5", get(*(b"X-%d: a" % number for number in range(100))), 431),
    Row("6585 5", get(*(b"X-%d: a" % number for number in range(100)), start=SEARCH + b" HTTP/1.1"), 431),
    Row("6585 5", get(*(b"X-%d: a" % number for number in range(99))), 200, kept=True),
    Row("9.6", get(b"Connection: close"), 200),
    Row("9.6", get(b"Connection: close", b"Connection: keep-alive"), 200),
    Row("9110 7.8", get(b"Upgrade: h2c"), 200, kept=True),
    Row("9110 7.8", get(b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"), 200, kept=True),
]
FRAMING = [
    Row("6.2", post(LENGTH, body=BODY), 401, kept=True),
    Row("6.2", post(b"Content-Length: 0%d " % len(BODY), body=BODY), 401, kept=True),
    Row("6.3", post(body=b""), 400, kept=True),
    Row("5.1", post(b"Content-Length : %d" % len(SMUGGLED), body=SMUGGLED), 400),
    Row("5.1", post(b"Content-Length\t: %d" % len(SMUGGLED), body=SMUGGLED), 400),
    Row("5.1", post(b"Transfer-Encoding : chunked", body=SMUGGLED), 400),
    Row("5.2", post(b"X: y", b" Content-Length: %d" % len(SMUGGLED), body=SMUGGLED), 400),
    *(
        Row("6.2", post(b"Content-Length: " + length, body=BODY), 400)
        for length in (
            *(b"+63", b"-1", b"6_3", b"0x3f", b"63.0", b"6e1", b"", b"63, 63", b"63,64", b"63 3", b"\xd9\xa3", b"a"),
            *(b"\xc2\xb2", b"0x", b"63;a"),
        )
    ),
    Row("6.3", post(LENGTH, LENGTH, body=BODY), 400),
    Row("6.3", post(LENGTH, b"Content-Length: 0", body=BODY), 400),
    Row("6.3", post(b"Content-Length: 0", LENGTH, body=BODY), 400),
    Row("6.1", post(LENGTH, b"Transfer-Encoding: chunked", body=chunk(SIZE)), 400),
    Row("6.1", post(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=chunk(SIZE)), 400),
    Row("9110 8.6", post(b"Content-Length: 1" + b"0" * 30, body=BODY), 413),
    Row("9110 8.6", post(b"Content-Length: 9" + b"9" * 5_000, body=BODY), 400),
    Row("7.1", chunked(chunk(SIZE)), 401, kept=True),
    Row("7.1", chunked(chunk(b"000" + SIZE.upper(), rest=b"000\r\n\r\n")), 401, kept=True),
    Row("7.1", chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"), 401, kept=True),
    *(
        Row("7", chunked(chunk(SIZE), b"Transfer-Encoding:" + coding), 401, kept=True)
        for coding in (b" Chunked", b" CHUNKED", b"chunked", b" \tchunked \t")
    ),
    *(
        Row("6.3", chunked(chunk(SIZE), b"Transfer-Encoding: " + coding), 400)
        for coding in (
            *(
                b"",
                b"gzip",
                b"identity",
                b"xchunked",
                b"chunked, gzip",
                b"chunked, chunked",
                b"chunked,",
                b"\x0bchunked",
            ),
            *(b'"chunked"', b"chunked;a=b", b"chunke\xc2\xaad"),
        )
    ),
    Row("6.1", chunked(chunk(SIZE), b"Transfer-Encoding: gzip, chunked"), 501),
    Row("6.1", post(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked", body=chunk(SIZE)), 501),
    Row("6.3", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=chunk(SIZE)), 400),
    Row("6.1", chunked(chunk(SIZE)).replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
    *(
        Row("7.1", chunked(chunk(size)), 400)
        for size in (
            *(
                b"0x" + SIZE,
                b"+" + SIZE,
                b"-" + SIZE,
                b" " + SIZE,
                SIZE + b" ",
                b"3_f",
                b"\t" + SIZE,
                b"",
                b"g",
                b"\xd9\xa3",
            ),
            *(b"0" * 15 + SIZE, b"f" * 17, SIZE + b".0", SIZE + b"\x00", SIZE + b"\x0b", SIZE + b"," + SIZE),
        )
    ),
    Row("7.1", chunked(chunk(b"f" * 15)), 413),
    *(
        Row("7.1.1", chunked(chunk(SIZE + extension)), 401, kept=True)
        for extension in (b";a", b";a=b", b' ; a = "b;\\" c" ; d', b";" + b"a" * 200)
    ),
    *(
        Row("7.1.1", chunked(chunk(SIZE + extension)), 400)
        for extension in (b";", b";a=", b";=b", b';a="b', b";a\x00", b";a\nb", b";a\rb", b";" + b"a" * 300)
    ),
    Row("7.1", chunked(SIZE + b"\n" + BODY + b"\n0\n\n"), 400),
    Row("7.1", chunked(SIZE + b"\r\n" + BODY + b"XX0\r\n\r\n"), 400),
    Row("7.1", chunked(SIZE + b"\r\n" + BODY + b"\n0\r\n\r\n"), 400),
    Row("7.1", chunked(chunk(b"%x" % (len(BODY) - 1))), 400),
    Row("7.1.2", chunked(chunk(SIZE, rest=b"0\r\nX-A: b\r\nContent-Length: 7\r\n\r\n")), 401, kept=True),
    Row("7.1.2", chunked(chunk(SIZE, rest=b"0\r\nX-A : b\r\n\r\n")), 400),
    Row("7.1.2", chunked(chunk(SIZE, rest=b"0\r\n" + SMUGGLED)), 400),
    Row("7.1.2", chunked(chunk(SIZE, rest=b"0\r\nX-A: " + b"a" * 5_000 + b"\r\n\r\n")), 400),
    Row("9110 10.1.1", post(LENGTH, b"Expect: a miracle", body=BODY), 417),
    Row("6.3", get(LENGTH) + BODY, 200, kept=True),
    Row("6.3", get(LENGTH, start=b"HEAD /health/live HTTP/1.1") + BODY, 200, kept=True),
    Row("6.3", get(b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED, 200, kept=True),
    Row("6.3", get(b"Content-Length: %d" % len(SMUGGLED), start=SEARCH + b" HTTP/1.1") + SMUGGLED, 200, kept=True),
    Row(
        "6.3", get(b"Content-Length: %d" % len(SMUGGLED), start=b"GET /jobs/login HTTP/1.1") + SMUGGLED, 200, kept=True
    ),
    Row("6.3", get(b"Content-Length: %d" % len(SMUGGLED), start=b"GET /docs HTTP/1.1") + SMUGGLED, 200, kept=True),
    Row("6.3", get(b"Transfer-Encoding: chunked") + chunk(b"%x" % len(SMUGGLED), SMUGGLED), 200, kept=True),
    Row("6.3", get(b"Content-Length: %d" % len(SMUGGLED), start=b"POST /nowhere HTTP/1.1") + SMUGGLED, 404, kept=True),
    Row(
        "6.3",
        get(b"Content-Length: %d" % len(SMUGGLED), start=f"POST {NEARBY} HTTP/1.1".encode()) + SMUGGLED,
        405,
        kept=True,
    ),
    Row(
        "6.3",
        get(b"Content-Length: %d" % len(SMUGGLED), start=b"DELETE /v1/services HTTP/1.1") + SMUGGLED,
        405,
        kept=True,
    ),
    Row("7.1.1", SPLIT_CHUNKS, 401, kept=True),
]
ROWS = [*REQUEST_LINES, *TARGETS, *FIELDS, *FRAMING]
# One of each way of being read, for sending in two parts.
SPLIT = [
    get(start=b"GET http://y.example:80/health/live HTTP/1.1"),
    get(start=b"GET nonsense HTTP/1.1"),
    get(b"X-A: a\x00b"),
    SPLIT_CHUNKS,
    chunked(chunk(b"0x" + SIZE)),
    get(b"Content-Length: %d" % len(SMUGGLED), start=b"POST /nowhere HTTP/1.1") + SMUGGLED,
    get(b"Content-Length: %d" % len(SMUGGLED), start=SEARCH + b" HTTP/1.1") + SMUGGLED,
]
