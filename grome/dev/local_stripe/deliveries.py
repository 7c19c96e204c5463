"""Deliver events to the webhook: signed, repeated until the answer is 2xx, and disturbed on demand.

Stripe delivers in no promised order and now and then twice; tests ask for both by the routes of `delivery_control`.
"""

import asyncio
import json
import random
import time
from collections.abc import Coroutine
from typing import Any, Final

import httpx
from stripe import WebhookSignature

from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.state import State, new_id

_PARALLEL: Final = 8
_POLL_S: Final = 0.02
_TIMEOUT_S: Final = 10
_FIRST_RETRY_S: Final = 0.1
_MAX_RETRY_S: Final = 30.0
# About an hour and a half; Stripe goes on for three days.
_MAX_TRIES: Final = 200
# The fields of an event that a notification carries.
_NOTIFIED: Final = ("id", "object", "type", "created", "livemode", "context", "reason", "related_object")
_SETTINGS: Final = "webhook_faults"


def faults_of(state: State) -> Json:
    """Return the stored faults: `drop` and `double` count coming events; `hold` and `paused` keep them waiting."""
    stored = state.store.find("_webhook_faults", _SETTINGS)
    initial = {"drop": 0, "double": 0, "hold": False, "paused": False, "delay_s": 0.0}
    return stored or {"id": _SETTINGS, "object": "_webhook_faults", **initial}


def enqueue(state: State, event: Json) -> None:
    """Let an event wait for its delivery, unless it is to be dropped or there is no webhook."""
    event["_delivery"] = {"state": "no webhook", "tries": 0, "status": None}
    state.store.put(event)
    if not state.settings.webhook_url:
        return
    faults, copies = faults_of(state), 1
    if faults["drop"] > 0:
        faults["drop"] -= 1
        copies = 0
        _mark(state, event, "dropped")
    elif faults["double"] > 0:
        faults["double"] -= 1
        copies = 2
    state.store.put(faults)
    for _ in range(copies):
        _wait(state, event, held=faults["hold"], delay_s=faults["delay_s"])


def resend(state: State, event: Json) -> None:
    """Deliver an event again, now, even if it was delivered or dropped before."""
    _wait(state, event, held=False, delay_s=0)


def release(state: State, seed: int) -> int:
    """Let all held events go, in a random order that the seed decides; return their number."""
    held = [job for job in state.store.newest("_waiting") if job["held"]]
    random.Random(seed).shuffle(held)  # noqa: S311 -- no secret
    for order, job in enumerate(held):
        state.store.put({**job, "held": False, "at": time.time(), "order": order})
    return len(held)


def deliver_all(state: State) -> int:
    """End pauses and delays, and send each event that is neither delivered nor on its way; return their number."""
    state.store.put({**faults_of(state), "hold": False, "paused": False})
    waiting = {job["event"] for job in state.store.newest("_waiting")}
    for job in state.store.newest("_waiting"):
        state.store.put({**job, "held": False, "at": 0})
    lost = [event for event in state.store.newest("v2.core.event") if _is_lost(event) and event["id"] not in waiting]
    for event in reversed(lost):
        resend(state, event)
    return len(waiting) + len(lost)


def _is_lost(event: Json) -> bool:
    return event.get("_delivery", {}).get("state") in {"dropped", "failed"}


def _wait(state: State, event: Json, *, held: bool, delay_s: float) -> None:
    job = {"id": new_id("_waiting"), "object": "_waiting", "event": event["id"], "tries": 0, "order": 0}
    state.store.put({**job, "held": held, "at": time.time() + delay_s})
    _mark(state, event, "held" if held else "waiting")


def _mark(state: State, event: Json, name: str, *, tries: int = 0, status: int | None = None) -> None:
    event["_delivery"] = {"state": name, "tries": tries, "status": status}
    state.store.put(event)


def start_sending(state: State) -> Coroutine[Any, Any, None]:
    """Return the loop of a sender that hears all events from now on."""
    return _Sender(state).run()


class _Sender:
    """Sends waiting events in the background, several at a time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sending: dict[str, asyncio.Task[None]] = {}
        state.listeners.append(lambda event: enqueue(state, event))

    async def run(self) -> None:
        """Send until cancelled. Events that wait at the end are sent by the next run."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            try:
                while True:
                    for job in self._due():
                        sending = asyncio.create_task(self._send(client, job))
                        self._sending[job["id"]] = sending
                    await asyncio.sleep(_POLL_S)
            finally:
                for sending in list(self._sending.values()):
                    sending.cancel()

    def _due(self) -> list[Json]:
        if faults_of(self._state)["paused"]:
            return []
        now = time.time()
        due = [
            job
            for job in self._state.store.newest("_waiting")
            if not job["held"] and job["at"] <= now and job["id"] not in self._sending
        ]
        due.reverse()
        due.sort(key=lambda job: (job["at"], job["order"]))
        return due[: _PARALLEL - len(self._sending)]

    async def _send(self, client: httpx.AsyncClient, job: Json) -> None:
        try:
            await self._try(client, job)
        finally:
            del self._sending[job["id"]]

    async def _try(self, client: httpx.AsyncClient, job: Json) -> None:
        state = self._state
        event = state.store.find("v2.core.event", job["event"])
        status = await self._post(client, event) if event else None
        if state.store.find("_waiting", job["id"]) is None:
            return
        tries = job["tries"] + 1
        delivered = status is not None and httpx.codes.is_success(status)
        if delivered or event is None or tries >= _MAX_TRIES:
            state.store.delete(job)
            name = "delivered" if delivered else "failed"
        else:
            pause = min(_FIRST_RETRY_S * 2 ** min(tries - 1, 20), _MAX_RETRY_S)
            state.store.put({**job, "tries": tries, "at": time.time() + pause})
            name = "retrying"
        if event:
            _mark(state, event, name, tries=tries, status=status)
        state.store.flush()

    async def _post(self, client: httpx.AsyncClient, event: Json) -> int | None:
        """Send a notification; return the status of the answer, or None without an answer.

        It is signed with the machine's time, since the receiver knows nothing of the server's own clock.
        """
        settings = self._state.settings
        payload = json.dumps({field: event[field] for field in _NOTIFIED})
        signature: str = WebhookSignature.generate_signature_header(payload, settings.webhook_secret)
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        try:
            answer = await client.post(settings.webhook_url, content=payload, headers=headers)
        except httpx.HTTPError:
            return None
        return answer.status_code
