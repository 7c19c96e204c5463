"""Which requests are traced: by our own rate, unless the clients are trusted."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from config.settings import Settings
from grome.infrastructure.tracing.open_telemetry import OpenTelemetry

# A sampler by the trace id alone takes this one at every rate but 0.
CHOSEN = "00000000000000000000000000000001"
PARENT = "00f067aa0ba902b7"


@contextmanager
def tracing(settings: Settings, ratio: float, *, trust_clients: bool = False) -> Iterator[OpenTelemetry]:
    """Trace for a collector that does not exist."""
    traces = msgspec.structs.replace(
        settings.traces, endpoint="http://127.0.0.1:1/v1/traces", ratio=ratio, trust_clients=trust_clients
    )
    opened = OpenTelemetry(msgspec.structs.replace(settings, traces=traces))
    yield opened
    opened.close()


def trace_of(traces: OpenTelemetry, traceparent: str | None) -> str | None:
    """Return the trace that a request with this header is recorded in."""
    span = traces.begin("GET /v1/me", "server", traceparent, {}, 0.0)
    return span.trace_id


@pytest.mark.parametrize("flags", ["00", "01"])
def test_traceparent_of_a_stranger_gives_the_trace_id_and_decides_nothing(settings: Settings, flags: str) -> None:
    header = f"00-{CHOSEN}-{PARENT}-{flags}"
    with tracing(settings, 0.0) as never:
        assert trace_of(never, header) is None
    with tracing(settings, 1.0) as always:
        assert trace_of(always, header) == CHOSEN


def test_chosen_trace_id_is_sampled_by_the_rate_like_any_other(settings: Settings) -> None:
    with tracing(settings, 0.01) as traces:
        found = [trace_of(traces, f"00-{CHOSEN}-{PARENT}-01") for _ in range(2_000)]
    assert sum(each is not None for each in found) < 200  # 20 are expected; 200 are 40 standard deviations off


def test_traceparent_of_a_trusted_gateway_decides(settings: Settings) -> None:
    with tracing(settings, 0.0, trust_clients=True) as traces:
        assert trace_of(traces, f"00-{CHOSEN}-{PARENT}-01") == CHOSEN
        assert trace_of(traces, f"00-{CHOSEN}-{PARENT}-00") is None
        assert trace_of(traces, None) is None


def test_jobs_of_a_sampled_request_are_recorded_at_any_rate(settings: Settings) -> None:
    with tracing(settings, 0.0) as traces:
        job = traces.begin("job mail", "consumer", f"00-{CHOSEN}-{PARENT}-01", {}, 0.0)
        assert job.trace_id == CHOSEN
