"""Requests in the metrics: the counts equal the responses that a client got."""

from collections import Counter
from random import choices
from string import ascii_uppercase

import httpx
import pytest

from grome.infrastructure.telemetry.exposition import ProcessMetrics
from tests.builders.people import register


def counted() -> Counter[tuple[str, ...]]:
    found = (sample for family in ProcessMetrics().collect() for sample in family.samples)
    names = ("grome_http_requests_total", "grome_http_request_duration_seconds_count", "grome_http_refusals_total")
    return Counter(
        {(sample.name, *sample.labels.values()): int(sample.value) for sample in found if sample.name in names}
    )


def series() -> set[tuple[str, ...]]:
    found = (sample for family in ProcessMetrics().collect() for sample in family.samples)
    return {(sample.name, *sample.labels.values()) for sample in found}


async def test_requests_are_counted_by_route_template_method_and_status(http: httpx.AsyncClient) -> None:
    person = await register(http)
    before = counted()
    for _ in range(3):
        await http.get("/v1/bookings/01a22d4d-8920-77bd-b2cb-377d47d36d21", headers=person.auth)
    await http.get("/v1/bookings/no-id", headers=person.auth)
    await http.head("/health/live")
    await http.get("/no/such/address")
    await http.request("BREW", "/no/such/address")
    await http.delete("/health/live")
    await http.get("/docs")
    requests = "grome_http_requests_total"
    durations = "grome_http_request_duration_seconds_count"
    assert {key: number for key, number in (counted() - before).items() if key[0] == requests} == {
        (requests, "/v1/bookings/{booking_id}", "GET", "404"): 3,
        (requests, "/v1/bookings/{booking_id}", "GET", "422"): 1,
        (requests, "/health/live", "HEAD", "200"): 1,
        (requests, "none", "GET", "404"): 1,
        (requests, "none", "other", "404"): 1,
        (requests, "none", "DELETE", "405"): 1,
        (requests, "/docs", "GET", "200"): 1,
    }
    assert (counted() - before)[durations, "/v1/bookings/{booking_id}", "GET"] == 4
    assert (counted() - before)["grome_http_refusals_total", "not_found"] >= 3


async def test_random_requests_make_no_series(http: httpx.AsyncClient) -> None:
    async def ask(word: str) -> None:
        for method, path in (
            (word, f"/{word}"),
            (word.lower(), "/v1/me"),
            ("GET", f"/v1/{word}/{word}?{word}={word}"),
            ("GET", f"/v1/bookings/{word}"),
            ("GET", f"/v1/barbers/nearby?lat=52.5&lng=13.4&{word}={word}"),
            ("POST", f"/v1/auth/login?{word}"),
        ):
            headers = {"Authorization": f"Bearer {word}", "X-Request-ID": word, "traceparent": word}
            assert (await http.request(method, path, headers=headers)).status_code < 500

    await ask("FIRST")
    before = series()
    for _ in range(5):
        await ask("".join(choices(ascii_uppercase, k=8)))  # noqa: S311 -- no secret
    assert series() == before


@pytest.mark.parametrize(
    "path", ["/v1/barbers/nearby?lat=52.5&lng=13.4", "/v1/barbers/nearby?lat=52.5&lng=13.4&limit=%35"]
)
async def test_searches_are_counted_alike_on_both_paths(http: httpx.AsyncClient, path: str) -> None:
    before = counted()
    for _ in range(4):
        assert (await http.get(path)).status_code == 200
    for name, *status in (("grome_http_requests_total", "200"), ("grome_http_request_duration_seconds_count",)):
        assert (counted() - before)[name, "/v1/barbers/nearby", "GET", *status] == 4
