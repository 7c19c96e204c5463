"""Raw frames and the verdict of RFC 6455 on them: the same over light sockets and over Sanic's own."""

import pytest

from tests.infrastructure.websocket.conftest import Arena, EchoServer, in_arena
from tests.infrastructure.websocket.frame_rows import NO_CLOSE, NO_CODE, ROWS, Row
from tests.infrastructure.websocket.raw_client import CLOSE, Received, close_frame, connected
from tests.support.eventually import until

# A longer row would arrive in too many packets.
_MAX_PIECES = 400


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
@in_arena
async def test_frames_whole_and_byte_by_byte_get_the_verdict_of_the_rfc(arena: Arena, row: Row) -> None:
    for server in (arena.light, arena.sanic):
        await check(server, row, in_pieces=False)
        if len(row.sent) <= _MAX_PIECES:
            await check(server, row, in_pieces=True)


async def check(server: EchoServer, row: Row, *, in_pieces: bool) -> None:
    async with connected(server.port) as client:
        listener = server.newest
        await (client.send_in_pieces if in_pieces else client.send)(row.sent)
        assert [await client.receive() for _ in row.answers] == list(row.answers)
        if row.closes_with is None:
            await client.send(close_frame(1000))
        elif row.closes_with == NO_CLOSE:
            client.end_sending()
        code = row.closes_with or 1000
        assert [seen(last) for last in await client.receive_all()] == ([] if code == NO_CLOSE else [(CLOSE, code)])
    await until(lambda: bool(listener.codes))
    assert listener.codes == [row.is_told or code]


def seen(frame: Received) -> tuple[int, int]:
    return frame.opcode, NO_CODE if frame.code is None else frame.code
