"""A page of a real browser, driven over the Chrome DevTools Protocol."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.support.eventually import PATIENCE_S, until


class BrowserError(Exception):
    """The browser refused a command, or a script in the page threw."""


class Page:
    """One tab. `complaints` collects console errors, exceptions, and violations of the content security policy."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._session: dict[str, str] = {}
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []

    async def attach(self) -> None:
        target = await self.send("Target.createTarget", url="about:blank")
        session = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": session["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")

    async def listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting and not waiting.done():
                waiting.set_result(message)
            elif complaint := _complaint(message):
                self.complaints.append(complaint)

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params, **self._session}))
        answer = await asyncio.wait_for(self._waiting[number], PATIENCE_S)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def go(self, url: str) -> None:
        await self.send("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, converted by JSON."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def wait_for(self, expression: str, *, within_s: float = PATIENCE_S) -> None:
        """Waits across navigations."""

        async def holds() -> bool:
            with suppress(BrowserError):  # between two pages there is none to ask
                return bool(await self.evaluate(f"!!({expression})"))
            return False

        try:
            await until(holds, within_s=within_s)
        except AssertionError:
            seen = await self.evaluate("location.href + '\\n' + (document.body || {}).innerText")
            raise AssertionError(f"{expression} did not come true; the page is {seen}") from None

    async def wait_for_text(self, text: str, *, within_s: float = PATIENCE_S) -> None:
        await self.wait_for(f"document.body.innerText.includes({json.dumps(text)})", within_s=within_s)

    async def type(self, selector: str, text: str) -> None:
        """As from a keyboard."""
        await self.wait_for(f"document.querySelector({json.dumps(selector)})")
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.send("Input.insertText", text=text)

    async def click(self, element: str) -> None:
        """Click in the middle of the element that the JavaScript expression `element` returns."""
        await self.wait_for(element)
        middle = await self.evaluate(
            f"(() => {{ const it = {element}; it.scrollIntoView({{block: 'center'}}); const box = "
            "it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        at = {"x": middle[0], "y": middle[1], "button": "left", "clickCount": 1}
        await self.send("Input.dispatchMouseEvent", type="mousePressed", **at)
        await self.send("Input.dispatchMouseEvent", type="mouseReleased", **at)


def _complaint(message: dict[str, Any]) -> str | None:
    params = message.get("params", {})
    match message.get("method"):
        case "Runtime.exceptionThrown":
            return str(params["exceptionDetails"])
        case "Runtime.consoleAPICalled" if params["type"] in {"error", "assert"}:
            return str([argument.get("value", argument.get("description")) for argument in params["args"]])
        case "Log.entryAdded" if params["entry"]["level"] == "error":
            return f"{params['entry']['text']} {params['entry'].get('url', '')}"
        case _:
            return None


@asynccontextmanager
async def open_page(address: str) -> AsyncIterator[Page]:
    """A new tab of the browser that listens at the WebSocket `address`."""
    async with connect(address, max_size=None, proxy=None) as socket:
        page = Page(socket)
        listening = asyncio.create_task(page.listen())
        try:
            await page.attach()
            yield page
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
