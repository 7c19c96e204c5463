"""Test each version of the verification code in `docs/features/webhooks.md`."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from tests.docs.pages import ROOT, blocks
from tests.webhooks.receiver import Receiver
from tests.webhooks.trial import Trial

EXAMPLES = [
    block.content
    for block in blocks((ROOT / "docs" / "features" / "webhooks.md").read_text())
    if block.kind == "python"
]


def shown(number: int) -> Callable[[str, dict[str, str], bytes], dict[str, Any]]:
    names: dict[str, Any] = {}
    exec(EXAMPLES[number], names)  # noqa: S102 -- as a reader would
    function: Callable[[str, dict[str, str], bytes], dict[str, Any]] = names["event_of"]
    return function


@pytest.mark.parametrize("number", range(2))
async def test_documented_verification_code_works(trial: Trial, receiver: Receiver, number: int) -> None:
    assert len(EXAMPLES) == 2
    event_of = shown(number)
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    rotated = (await trial.rotate(shop.person, endpoint))["secret"]
    await trial.deliver(endpoint, event)
    (got,) = receiver.requests
    for secret in (endpoint.secret, rotated):
        assert event_of(secret, got.headers, got.body)["data"] == booking
    other = endpoint.secret[:-4] + "AAA="
    stale = {"webhook-timestamp": str(int(time.time()) - 301)}
    for secret, headers, body in (
        (other, {}, got.body),
        (rotated, {}, got.body + b" "),
        (rotated, {"webhook-id": "x"}, got.body),
        (rotated, stale, got.body),
        (rotated, {"webhook-timestamp": str(int(got.headers["webhook-timestamp"]) + 1)}, got.body),
    ):
        with pytest.raises((ValueError, WebhookVerificationError)):
            event_of(secret, {**got.headers, **headers}, body)
