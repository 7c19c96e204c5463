"""The webhook stores each genuine event once, and writes nothing for anything else."""

import random
from collections import Counter
from datetime import datetime, timedelta

import httpx
import msgspec
import pytest

from grome.common.clock import system_clock
from grome.dev.local_stripe.events import EMITTED
from grome.infrastructure.container import Container
from grome.infrastructure.figures import FIGURES
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.stripe.models import StripeNotification
from grome.payments.inbox.models import (
    BANK_HANDLERS,
    HANDLED,
    HANDLER_OF_TYPE,
    IGNORED,
    STRIPE_EVENT,
    Outcome,
    StripeEvent,
)
from grome.payments.inbox.repository import StripeEventRepository
from grome.payments.inbox.routes import MAX_NOTIFICATION
from grome.payments.inbox.service import StripeEventProcessor, StripeInbox
from tests.api.problems import assert_refused
from tests.conftest import AdjustableClock
from tests.payments.inbox.notifications import PATH, post, send, signature, thin_event

NOW = datetime.fromisoformat("2026-11-30T06:00:00Z")


class Recorder:
    """Handles events of both kinds by recording them. The first try of each object in `failing` fails."""

    def __init__(self, failing: frozenset[str] = frozenset()) -> None:
        self.seen: list[tuple[str, str]] = []
        self.failing = set(failing)

    async def _record(self, name: str, object_id: str) -> None:
        if object_id in self.failing:
            self.failing.discard(object_id)
            raise ConnectionError
        self.seen.append((name, object_id))

    async def intent_changed(self, intent_id: str) -> None:
        await self._record("intent_changed", intent_id)

    async def setup_changed(self, setup_id: str) -> None:
        await self._record("setup_changed", setup_id)

    async def charge_changed(self, charge_id: str) -> None:
        await self._record("charge_changed", charge_id)

    async def refund_changed(self, refund_id: str) -> None:
        await self._record("refund_changed", refund_id)

    async def dispute_changed(self, dispute_id: str) -> None:
        await self._record("dispute_changed", dispute_id)

    async def fraud_warning(self, warning_id: str) -> None:
        await self._record("fraud_warning", warning_id)

    async def transfer_changed(self, transfer_id: str) -> None:
        await self._record("transfer_changed", transfer_id)

    async def account_changed(self, account_id: str) -> None:
        await self._record("account_changed", account_id)

    async def bank_payout_paid(self, account_id: str, at: datetime) -> None:
        await self._record("bank_payout_paid", f"{account_id} at {at:%Y}")

    async def bank_payout_failed(self, account_id: str, at: datetime) -> None:
        await self._record("bank_payout_failed", f"{account_id} at {at:%Y}")


@pytest.fixture
def events(container: Container) -> StripeEventRepository:
    return StripeEventRepository(container.database)


def refused(response: httpx.Response) -> None:
    assert_refused(response, 400, "not_from_stripe", told=response.json()["detail"])


def processor_of(events: StripeEventRepository, recorder: Recorder) -> StripeEventProcessor:
    return StripeEventProcessor(events, recorder, recorder, recorder, system_clock)


async def written(container: Container) -> tuple[int, int]:
    """Count the stored events and the jobs."""
    database = container.database
    return (
        await database["stripe_events"].count_documents({}),
        await database["jobs"].count_documents({"kind": STRIPE_EVENT.name}),
    )


async def stored(events: StripeEventRepository, event_id: str) -> StripeEvent:
    found = await events.find(event_id)
    assert found is not None
    return found


async def test_webhook_signed_event_is_stored_with_a_job_and_answered_with_an_empty_object(
    http: httpx.AsyncClient, container: Container, events: StripeEventRepository
) -> None:
    event = thin_event()
    response = await send(http, event)
    assert (response.status_code, response.json()) == (200, {})
    found = await stored(events, event["id"])
    assert (found.type, found.object_id, found.processed_at) == ("v1.payment_intent.succeeded", "pi_1", None)
    assert await container.get(JobQueue).find(f"stripe:{event['id']}")


async def test_webhook_during_a_rotation_accepts_both_secrets(
    http: httpx.AsyncClient, events: StripeEventRepository
) -> None:
    for secret in ("whsec_new", "whsec_old"):
        event = thin_event()
        assert (await send(http, event, secret)).status_code == 200
        assert await stored(events, event["id"])


async def test_webhook_event_signed_with_two_secrets_is_accepted_by_either(http: httpx.AsyncClient) -> None:
    body = msgspec.json.encode(thin_event())
    header = signature(body, "whsec_unknown") + "," + signature(body, "whsec_old").partition(",")[2]
    assert (await post(http, body, header)).status_code == 200


async def test_webhook_replayed_event_is_stored_once(http: httpx.AsyncClient, container: Container) -> None:
    event = thin_event()
    await send(http, event)
    before = await written(container)
    for _ in range(3):
        assert (await send(http, event)).status_code == 200
    assert await written(container) == before


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=",
        "v1=ab",
        "t=1,v0=ab",
        "t=-5,v1=ab",
        "t=²,v1=ab",
        "t=1e9,v1=ab",
        "t=1,t=2,v1=ab",
        "t=99999999999999999999,v1=ab",
        "t=1" + ",v1=ab" * 200,
        "t=1,v1=" + "\u00e4" * 50,
    ],
)
async def test_webhook_unreadable_signature_is_refused(
    http: httpx.AsyncClient, container: Container, header: str | None
) -> None:
    before = await written(container)
    refused(await post(http, msgspec.json.encode(thin_event()), header))
    assert await written(container) == before


async def test_webhook_forged_event_is_refused_under_any_content_type(
    http: httpx.AsyncClient, container: Container
) -> None:
    body, other = msgspec.json.encode(thin_event()), msgspec.json.encode(thin_event())
    before = await written(container)
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        refused(await post(http, body, signature(body, "whsec_other"), kind))
        refused(await post(http, body, signature(other), kind))
        refused(await post(http, body + b" ", signature(body), kind))
    assert await written(container) == before


@pytest.mark.parametrize(
    ("age_s", "status"), [(-301, 400), (-299, 200), (0, 200), (299, 200), (301, 400), (86_400, 400), (-86_400, 400)]
)
async def test_webhook_signature_is_valid_five_minutes_before_and_after(
    http: httpx.AsyncClient, clock: AdjustableClock, age_s: int, status: int
) -> None:
    clock.stopped = NOW
    body = msgspec.json.encode(thin_event())
    assert (await post(http, body, signature(body, at=NOW - timedelta(seconds=age_s)))).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"id": "", "type": "x", "created": "2026-11-30T06:00:00Z"}',
        b'{"id": "evt_1", "type": "x", "created": 1780000000, "object": "event"}',
        b'{"id": "%s", "type": "x", "created": "2026-11-30T06:00:00Z"}' % (b"e" * 300),
        b'{"id": 5, "type": "x", "created": "2026-11-30T06:00:00Z"}',
    ],
)
async def test_webhook_signed_body_that_is_no_thin_event_is_refused(
    http: httpx.AsyncClient, container: Container, body: bytes
) -> None:
    before = await written(container)
    refused(await post(http, body, signature(body)))
    assert await written(container) == before


async def test_webhook_enormous_body_is_refused_before_its_signature_is_checked(
    http: httpx.AsyncClient, container: Container
) -> None:
    before = await written(container)
    for size in (MAX_NOTIFICATION + 1, container.settings.http.max_body_bytes + 1):
        body = msgspec.json.encode(thin_event(padding="x" * size))
        assert_refused(await post(http, body, signature(body)), 413, "body_too_large", told=None)
    assert await written(container) == before


async def test_webhook_answers_other_methods_with_405(http: httpx.AsyncClient) -> None:
    assert (await http.get(PATH)).status_code == 405


async def test_inbox_known_event_without_a_job_gets_its_job(
    container: Container, events: StripeEventRepository
) -> None:
    """The process that stored the event died before it added the job."""
    notification = StripeNotification("evt_orphan", "v1.payment_intent.succeeded", NOW, "pi_2", "payment_intent")
    await events.insert(
        StripeEvent(id="evt_orphan", type=notification.type, object_id="pi_2", created=NOW, received_at=system_clock())
    )
    assert await container.get(StripeInbox).add(notification) is False
    assert await container.get(JobQueue).find("stripe:evt_orphan")


async def test_inbox_processed_event_is_not_processed_again(
    container: Container, events: StripeEventRepository
) -> None:
    recorder = Recorder()
    processor = processor_of(events, recorder)
    notification = StripeNotification("evt_done", "v1.refund.updated", NOW, "re_1", "refund")
    assert await container.get(StripeInbox).add(notification) is True
    for _ in range(3):
        await processor.process("evt_done")
    assert recorder.seen == [("refund_changed", "re_1")]
    found = await stored(events, "evt_done")
    assert (found.outcome, found.tries) == (Outcome.HANDLED, 1)
    assert await container.get(StripeInbox).add(notification) is False


async def test_inbox_failed_event_is_tried_again(container: Container, events: StripeEventRepository) -> None:
    recorder = Recorder(failing=frozenset({"du_1"}))
    processor = processor_of(events, recorder)
    await container.get(StripeInbox).add(
        StripeNotification("evt_retried", "v1.charge.dispute.closed", NOW, "du_1", "dispute")
    )
    with pytest.raises(ConnectionError):
        await processor.process("evt_retried")
    assert (await stored(events, "evt_retried")).processed_at is None
    await processor.process("evt_retried")
    assert recorder.seen == [("dispute_changed", "du_1")]
    assert (await stored(events, "evt_retried")).tries == 2


async def test_inbox_passes_every_type_to_its_handler_in_any_order(
    container: Container, events: StripeEventRepository
) -> None:
    recorder = Recorder()
    processor = processor_of(events, recorder)
    expected: Counter[tuple[str, str]] = Counter()
    ids = []
    for number, (kind, name) in enumerate(HANDLER_OF_TYPE.items()):
        object_id, account_id = f"obj_{number}", f"acct_{number}" if name in BANK_HANDLERS else None
        expected[name, f"{account_id} at 2026" if account_id else object_id] += 1
        ids.append(f"evt_of_type_{number}")
        await container.get(StripeInbox).add(StripeNotification(ids[-1], kind, NOW, object_id, None, account_id))
    doubled = [*ids, *ids]
    random.Random(7).shuffle(doubled)  # noqa: S311 -- an order, no secret
    for event_id in doubled:
        await processor.process(event_id)
    assert Counter(recorder.seen) == expected
    assert set(HANDLED) == {name for name, _ in expected}


@pytest.mark.parametrize(
    ("kind", "object_id", "outcome"),
    [
        ("v1.customer.created", "cus_1", Outcome.IGNORED),
        ("v2.core.event_destination.ping", None, Outcome.IGNORED),
        ("v9.invented.kind", "in_1", Outcome.UNKNOWN),
        ("v1.payment_intent.succeeded", None, Outcome.UNKNOWN),
    ],
)
async def test_inbox_event_without_a_handler_is_recorded_and_changes_nothing(
    container: Container, events: StripeEventRepository, kind: str, object_id: str | None, outcome: Outcome
) -> None:
    recorder = Recorder()
    event_id = f"evt_without_{kind}_{object_id}"
    await container.get(StripeInbox).add(StripeNotification(event_id, kind, NOW, object_id, None))
    counted = FIGURES["stripe_events", outcome.value]
    for _ in range(2):
        await processor_of(events, recorder).process(event_id)
    assert (recorder.seen, (await stored(events, event_id)).outcome) == ([], outcome)
    assert FIGURES["stripe_events", outcome.value] == counted + 1


@pytest.mark.parametrize(("kind", "account_id"), [("v1.payment_intent.succeeded", "acct_1"), ("v1.payout.paid", None)])
async def test_inbox_event_of_another_account_than_the_handlers_is_ignored(
    container: Container, events: StripeEventRepository, kind: str, account_id: str | None
) -> None:
    """A barber's own objects cannot be read with the platform's key, and the platform's bank is no barber's."""
    recorder = Recorder()
    event_id = f"evt_of_{account_id}"
    await container.get(StripeInbox).add(StripeNotification(event_id, kind, NOW, "obj_1", None, account_id))
    await processor_of(events, recorder).process(event_id)
    assert (recorder.seen, (await stored(events, event_id)).outcome) == ([], Outcome.IGNORED)


def test_no_type_is_both_handled_and_ignored() -> None:
    assert not IGNORED & set(HANDLER_OF_TYPE)
    assert len(HANDLER_OF_TYPE) == sum(map(len, HANDLED.values()))


def test_every_type_that_local_stripe_emits_is_handled_or_ignored() -> None:
    assert EMITTED - IGNORED - set(HANDLER_OF_TYPE) == set()
