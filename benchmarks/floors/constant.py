"""The floor of nearby: a bare Sanic server that sends constant bytes, with or without a token lookup.

`python -m benchmarks.floors.constant` takes from the environment FLOOR_PORT, FLOOR_BODY (a file), FLOOR_HEADERS (a JSON
object) and, where a token is to be checked, FLOOR_PUBLIC_KEY (PEM). A response has the given headers and Sanic's own;
even the request id among them is constant.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sanic import HTTPResponse, Request, Sanic

if TYPE_CHECKING:
    from benchmarks.floors.tokens import RememberedTokens

App = Sanic[Any, Any]
JSON = "application/json"
PATH = "/v1/barbers/nearby"


def create_app(body: bytes, headers: dict[str, str], tokens: "RememberedTokens | None") -> App:
    app: App = Sanic("floor", configure_logging=False)
    app.config.AUTO_EXTEND = False

    @app.get(PATH)
    async def constant(request: Request) -> HTTPResponse:
        if tokens:
            tokens.actor(request)
        return HTTPResponse(body, headers=headers, content_type=JSON)

    return app


def _tokens(public_key: str | None) -> "RememberedTokens | None":
    if not public_key:
        return None
    from benchmarks.floors.tokens import RememberedTokens  # noqa: PLC0415 -- its imports weigh more than bare Sanic's

    return RememberedTokens(public_key)


if __name__ == "__main__":
    floor = create_app(
        Path(os.environ["FLOOR_BODY"]).read_bytes(),
        json.loads(os.environ["FLOOR_HEADERS"]),
        _tokens(os.environ.get("FLOOR_PUBLIC_KEY")),
    )
    floor.run("127.0.0.1", int(os.environ["FLOOR_PORT"]), single_process=True, access_log=False, motd=False)
