"""The HTTP layer: authentication, params, idempotency, faults, and answers with Stripe's headers."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty

from grome.dev.local_stripe import resources
from grome.dev.local_stripe.answers import render
from grome.dev.local_stripe.errors import Json, StripeError, UnstoredError, malformed
from grome.dev.local_stripe.faults import Fault, raise_before, take_fault
from grome.dev.local_stripe.forms import decode_form
from grome.dev.local_stripe.idempotency import Attempt, Keys
from grome.dev.local_stripe.routing import Answer, Call, Route, find_route
from grome.dev.local_stripe.state import State, new_id
from grome.dev.local_stripe.validation import check_params

_METHODS: Final = ("GET", "POST", "DELETE", "OPTIONS")
_TICK_S: Final = 0.2
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
}
_CONFLICT: Final = 409
_FAILED: Final = 500
_OK: Final = 400


class Server:
    """Handles requests one after the other: no other request runs between a handler's first and last step."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._keys = Keys(state)
        self._loops: list[asyncio.Task[None]] = []

    def app(self) -> Sanic[Any, Any]:
        app: Sanic[Any, Any] = Sanic("local_stripe", configure_logging=False)
        app.config.AUTO_EXTEND = False
        app.config.RESPONSE_TIMEOUT = app.config.REQUEST_TIMEOUT = 600
        app.add_route(self.handle, "/<path:path>", methods=_METHODS, name="any", unquote=False)
        app.add_route(self.handle, "/", methods=_METHODS, name="root")
        app.register_listener(self._start, "after_server_start")
        app.register_listener(self._stop, "before_server_stop")
        app.register_listener(self._close, "after_server_stop")
        return app

    async def _tick(self) -> None:
        while True:
            self._state.run_due()
            self._state.store.flush()
            await asyncio.sleep(_TICK_S)

    async def _start(self, _: object) -> None:
        # Sanic would wait endlessly for tasks of its own registry that run until they are cancelled.
        loops = (self._tick(), *(start(self._state) for start in resources.BACKGROUND))
        self._loops = [asyncio.create_task(loop) for loop in loops]

    async def _stop(self, _: object) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def _close(self, _: object) -> None:
        self._state.store.close()

    async def handle(self, request: Request, path: str = "") -> HTTPResponse:
        """Answer any request."""
        if request.method == "OPTIONS":
            return empty(headers=_CORS)
        target, headers = f"/{unquote(path)}", {"Request-Id": new_id("req")}
        found = find_route(request.method, target)
        log: Json = {"method": request.method, "path": target, "key": request.headers.get("Idempotency-Key")}
        try:
            self._state.run_due()
            if found is None:
                raise StripeError(  # noqa: TRY301 -- all errors are answered below
                    404, "invalid_request_error", None, f"Unrecognized request URL ({request.method}: {target})."
                )
            route, parts = found
            if route.access == "open":
                return _respond(route.handler(self._open_call(request, target, parts)), headers)
            self._state.calls.append(log | {"request_id": headers["Request-Id"], "status": None, "fault": None})
            log = self._state.calls[-1]
            answer = await self._api(request, route, Call(self._state, request.method, target, parts, {}), log)
        except StripeError as error:
            answer = _answer(error.status, error.body(), unstored=isinstance(error, UnstoredError))
        finally:
            self._state.store.flush()
        log["status"] = answer.status
        if log.get("fault") == "drop_reply_after" and request.transport:
            log["status"] = None
            request.transport.close()
        return _respond(answer, headers)

    def _open_call(self, request: Request, target: str, parts: Mapping[str, str]) -> Call:
        sent = _decode(request, is_json=request.headers.get("Content-Type", "").startswith("application/json"))
        return Call(self._state, request.method, target, parts, sent)

    async def _api(self, request: Request, route: Route, call: Call, log: Json) -> Answer:
        is_json = call.path.startswith("/v2/") and request.method == "POST"
        sent = _decode(request, is_json=is_json)
        by_client = self._authenticate(request, route, sent, call.parts)
        account = request.headers.get("Stripe-Account") or request.headers.get("Stripe-Context")
        key = request.headers.get("Idempotency-Key") if request.method != "GET" else None
        attempt = self._keys.begin(key, call.method, call.path, account, sent) if key else None
        if attempt and attempt.stored:
            log["replayed"] = True
            return _answer(attempt.stored["status"], attempt.stored["body"], replayed=True)
        try:
            fault = take_fault(self._state.faults, call.method, call.path)
            log["fault"] = fault.kind if fault else None
            raise_before(fault)
            params = _check(sent, route, by_client=by_client, form=not is_json)
            status, body = self._execute(
                route, Call(self._state, call.method, call.path, call.parts, params, account, by_client), fault, attempt
            )
            self._state.store.flush()
            if fault and fault.kind == "delay_s":
                await asyncio.sleep(fault.seconds)
            return _answer(status, body)
        finally:
            if attempt:
                self._keys.end(attempt)

    def _authenticate(self, request: Request, route: Route, sent: Json, parts: Mapping[str, str]) -> bool:
        """Check the key, and return whether it is a publishable one. The client's params leave `sent`."""
        token = (request.token or "") if request.headers.get("Authorization") else str(sent.get("key", ""))
        if token == self._state.settings.secret_key:
            return False
        if route.access != "client" or not token.startswith("pk_"):
            raise StripeError(401, "invalid_request_error", None, "Invalid API Key provided")
        sent.pop("key", None)
        secret, obj = sent.pop("client_secret", None), self._state.store.find_any(parts["id"])
        if obj is None or secret != obj.get("client_secret"):
            raise malformed("The client_secret provided does not match this object.", "resource_missing", "intent")
        return True

    def _execute(self, route: Route, call: Call, fault: Fault | None, attempt: Attempt | None) -> tuple[int, Json]:
        """Run the handler, and store its answer under the key: errors too, since execution began."""
        expand = call.params.pop("expand", None) or []
        try:
            made = route.handler(call)
            body = made.body if isinstance(made, Answer) else made
            status = made.status if isinstance(made, Answer) else 200
            assert isinstance(body, dict)  # noqa: S101 -- pages are open routes
            body = render(self._state, body, expand)
        except UnstoredError:
            raise
        except StripeError as error:
            status, body = error.status, error.body()
        if fault and fault.kind == "error_500_after":
            status, body = _FAILED, {"error": {"type": "api_error", "message": "An unknown error occurred"}}
        if attempt:
            self._keys.store(attempt, status, body)
        return status, body


def _decode(request: Request, *, is_json: bool) -> Json:
    try:
        if request.method == "GET" or not request.body:
            return decode_form(request.query_string)
        if not is_json:
            return decode_form(request.body.decode())
        decoded = json.loads(request.body)
    except ValueError as error:
        raise malformed("Invalid body", None, None) from error
    if not isinstance(decoded, dict):
        raise malformed("Invalid body: not an object", None, None)
    return decoded


def _check(sent: Json, route: Route, *, by_client: bool, form: bool) -> Json:
    """Check the params. A client may send a card's number, which the SDK for servers does not know."""
    data = sent.get("payment_method_data")
    if not by_client or not isinstance(data, dict):
        return check_params(sent, route.params, form=form)
    card = data.get("card")
    checked = check_params(
        sent | {"payment_method_data": {key: value for key, value in data.items() if key != "card"}},
        route.params,
        form=form,
    )
    checked["payment_method_data"]["card"] = card
    return checked


def _answer(status: int, body: Json, *, replayed: bool = False, unstored: bool = False) -> Answer:
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    if status == _CONFLICT or (status == _FAILED and unstored):
        headers["Stripe-Should-Retry"] = "true"
    elif status >= _OK and (status != _FAILED or replayed):
        headers["Stripe-Should-Retry"] = "false"
    return Answer(body, status, headers=headers)


def _respond(made: Json | Answer, headers: Mapping[str, str]) -> HTTPResponse:
    answer = made if isinstance(made, Answer) else Answer(made)
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return HTTPResponse(text, answer.status, {**_CORS, **headers, **answer.headers}, content_type=answer.content_type)
