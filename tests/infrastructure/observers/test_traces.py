"""One trace leads from the request of a phone over the relay and jobs to the mail and the webhook."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace.export import SpanExportResult
from redis.exceptions import ResponseError

from config.settings import Settings
from grome.app import App
from grome.infrastructure.container import Container
from grome.infrastructure.observers import start_observing
from grome.infrastructure.redis.client import RedisClients
from grome.infrastructure.tracing.spans import child_span, root_span
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register
from tests.support.app import serve_app
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.jobs import run_worker
from tests.support.receivers import TraceCollector, collecting_traces
from tests.webhooks.receiver import Receiver, receiving
from workers.registry import HANDLERS

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
PHONE: Final = "00f067aa0ba902b7"
SAMPLED: Final = {"traceparent": f"00-{TRACE}-{PHONE}-01"}


@pytest.fixture
def collector() -> Iterator[TraceCollector]:
    with collecting_traces() as started:
        yield started


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


@pytest.fixture
async def traced(settings: Settings, database: None, collector: TraceCollector) -> AsyncIterator[App]:  # noqa: ARG001
    traces = msgspec.structs.replace(settings.traces, endpoint=collector.endpoint, ratio=0.0, trust_clients=True)
    webhooks = msgspec.structs.replace(settings.webhooks, private_addresses=True)
    async with serve_app(msgspec.structs.replace(settings, traces=traces, webhooks=webhooks)) as app:
        yield app


@pytest.fixture
async def phone(traced: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(traced.ctx.base_url) as client:
        yield client


async def _book(phone: httpx.AsyncClient, container: Container, url: str) -> tuple[Person, Barber, dict[str, Any]]:
    customer, barbers = await register(phone), await barber(phone, container)
    made = await phone.post("/v1/webhooks/endpoints", json={"url": url}, headers=barbers.auth)
    assert made.status_code == 201, made.text
    phone.headers.update({**SAMPLED, "X-Request-ID": "of-the-phone"})
    return customer, barbers, await book(phone, customer, barbers, tomorrow(10))


async def test_booking_is_one_trace_from_the_phone_to_mail_and_webhook(
    traced: App, phone: httpx.AsyncClient, collector: TraceCollector, receiver: Receiver
) -> None:
    container: Container = traced.ctx.container
    async with run_worker(container, HANDLERS):
        customer, barbers, booking = await _book(phone, container, receiver.url)
        await until(lambda: len(collector.named("job mail")) == 2 and bool(collector.named("job webhook")))
    (request,), (dispatch,) = collector.named("POST /v1/bookings"), collector.named("dispatch booking.requested")
    (webhook_job,), (webhook) = collector.named("job webhook"), collector.named("send webhook")
    plans, mail_jobs, mails = (collector.named(name) for name in ("job notify", "job mail", "send email"))
    assert request.parent_span_id.hex() == PHONE
    assert dispatch.parent_span_id == request.span_id
    assert {plan.parent_span_id for plan in plans} == {webhook_job.parent_span_id} == {dispatch.span_id}
    assert _parents(mail_jobs) == _ids(plans)
    assert _parents(mails) == _ids(mail_jobs)
    assert _parents(webhook) == {webhook_job.span_id}
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    entry = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert entry
    assert entry["history"][0]["origin"]["traceparent"] == f"00-{TRACE}-{request.span_id.hex()}-01"
    assert receiver.requests[0].headers["traceparent"] == f"00-{TRACE}-{webhook[0].span_id.hex()}-01"
    insert = [span for span in collector.named("insert jobs") if span.parent_span_id in _ids(plans)]
    assert len(insert) == len(plans)
    assert _ids(collector.named("XADD")) | _ids(collector.named("EVALSHA"))
    told = str(collector.spans)
    private = (customer.email, str(customer.id), customer.access_token, barbers.person.email, barbers.id, booking["id"])
    assert [value for value in private if value in told] == []
    jobs = await container.database["jobs"].find({"kind": {"$in": ["mail", "notify", "webhook"]}}).to_list()
    assert {job["cause"]["request_id"] for job in jobs if job["cause"]["traceparent"]} == {"of-the-phone"}


async def test_search_is_traced_if_the_client_traces_it(
    traced: App,  # noqa: ARG001
    phone: httpx.AsyncClient,
    collector: TraceCollector,
) -> None:
    customer = await register(phone)
    query = {"lat": "52.52", "lng": "13.405"}
    for headers in ({}, {"traceparent": SAMPLED["traceparent"][:-1] + "0"}, SAMPLED):
        answer = await phone.get("/v1/barbers/nearby", params=query, headers={**customer.auth, **headers})
        assert answer.status_code == 200
    await until(lambda: bool(collector.named("GET /v1/barbers/nearby")))
    (search,) = collector.named("GET /v1/barbers/nearby")
    assert search.parent_span_id.hex() == PHONE


async def test_commands_of_valkey_are_spans_without_their_keys(
    traced: App,
    phone: httpx.AsyncClient,
    collector: TraceCollector,
) -> None:
    customer = await register(phone)
    assert (await phone.get("/v1/me", headers={**customer.auth, **SAMPLED})).status_code == 200
    redis = traced.ctx.container.get(RedisClients).commands
    parent = SAMPLED["traceparent"]
    with child_span("a test", parent=parent):
        await redis.set("a-key-of-the-test", "a-value-of-the-test")
        async with redis.pipeline(transaction=True) as pipe:
            pipe.delete("a-key-of-the-test")
            pipe.get("a-key-of-the-test")
            await pipe.execute()
        with suppress(ResponseError):
            await redis.execute_command("LPOP")
    await redis.get("outside of traces")
    await until(lambda: bool(collector.named("a test")))
    (test,), commands = collector.named("a test"), [each for each in collector.spans if _is_of_valkey(each)]
    (request,) = collector.named("GET /v1/me")
    of_test = [each for each in commands if each.parent_span_id == test.span_id]
    assert [(each.name, each.kind) for each in of_test] == [
        ("SET", Span.SPAN_KIND_CLIENT),
        ("PIPELINE", Span.SPAN_KIND_CLIENT),
        ("LPOP", Span.SPAN_KIND_CLIENT),
    ]
    assert of_test[2].status.code == Status.STATUS_CODE_ERROR
    assert {each.parent_span_id for each in commands} <= {test.span_id, request.span_id}
    assert "of-the-test" not in str(commands)


def _is_of_valkey(span: Span) -> bool:
    return any(each.key == "db.system.name" and each.value.string_value == "redis" for each in span.attributes)


def _ids(spans: Sequence[Span]) -> set[bytes]:
    return {span.span_id for span in spans}


def _parents(spans: Sequence[Span]) -> set[bytes]:
    return {span.parent_span_id for span in spans}


def test_closing_does_not_wait_for_a_collector_that_hangs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    exported: list[int] = []

    def hang(_exporter: object, spans: Sequence[object]) -> SpanExportResult:
        time.sleep(5)
        exported.append(len(spans))
        return SpanExportResult.FAILURE

    monkeypatch.setattr(OTLPSpanExporter, "export", hang)
    traces = msgspec.structs.replace(settings.traces, endpoint="http://127.0.0.1:9/v1/traces", ratio=1.0)
    observers = start_observing(msgspec.structs.replace(settings, traces=traces))
    with root_span("a request", None, {}):
        pass
    observers.close()
    assert exported == []
