"""Payments: creating a booking with a deposit, and the time until a confirmed payment shows on its booking."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import msgspec

from benchmarks.bench import PAYMENTS, Bench
from benchmarks.report import Report, Table
from benchmarks.rounds import quantile
from benchmarks.sections.create import Slots, barbers_open_all_day
from benchmarks.servers import HOST, START_SECONDS, free_port
from benchmarks.stopping import run_async
from benchmarks.world import new_customers, prepared
from grome.barbers.models import Barber, DepositRule, Terms
from grome.barbers.repository import BarberRepository

_SAMPLES: Final = 150
WEBHOOK_SECRET: Final = "whsec_bench"  # noqa: S105 -- of a server that lives for this section
STRIPE_KEYS: Final = {"GROME_STRIPE_SECRET_KEY": "sk_test_bench", "GROME_STRIPE_PUBLISHABLE_KEY": "pk_test_bench"}
_POLL_S: Final = 0.002


def run(bench: Bench) -> Report:
    barbers = barbers_open_all_day()
    with_deposit = [msgspec.structs.replace(each, terms=Terms(deposit=DepositRule(percent=30))) for each in barbers]
    run_async(_lay(bench, with_deposit))
    (token,) = run_async(new_customers(bench, PAYMENTS, 1))
    port = free_port()
    env = {**STRIPE_KEYS, "GROME_STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET, "GROME_STRIPE_URL": f"http://{HOST}:{port}"}
    # Production refuses another address of Stripe.
    changed = {**env, "GROME_ENV": "test", "GROME_JOBS_WORKERS": "1"}
    with (
        bench.grome("Grome with payments", PAYMENTS, **changed) as server,
        local_stripe(bench.home, port, f"{server.url}/v1/stripe/webhook") as stripe_url,
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
    ):
        samples = _measure(http, stripe_url, Slots(with_deposit))
    rows = [[name, f"{quantile(each, 50):.1f}", f"{quantile(each, 99):.1f}"] for name, each in samples.items()]
    table = Table("Payments: one client, milliseconds", ["", "p50", "p99"], rows)
    table.notes.append(
        "The local Stripe answers at once; the real one adds its own time. The last row begins when the card is "
        "confirmed and ends when the booking shows the money: event, signature, inbox, job, fetch, ledger, booking."
    )
    return Report([table], sound=True)


async def _lay(bench: Bench, barbers: list[Barber]) -> None:
    async with prepared(bench, PAYMENTS) as container:
        await BarberRepository(container.database).add_many(barbers)


def _measure(http: httpx.Client, stripe_url: str, slots: Slots) -> dict[str, list[float]]:
    names = ("create a booking", "create a booking and start its deposit", "confirmed card until the booking is paid")
    samples: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(_SAMPLES):
        _, barber_id, service_id, start = slots.take()
        begun = time.perf_counter()
        wanted = {"barber_id": str(barber_id), "service_ids": [str(service_id)], "scheduled_at": start}
        booking = http.post("/v1/bookings", json=wanted).raise_for_status().json()
        samples[names[0]].append((time.perf_counter() - begun) * 1000)
        path = f"/v1/bookings/{booking['id']}"
        started = http.post(f"{path}/payments", json={"purpose": "deposit"}).raise_for_status().json()
        samples[names[1]].append((time.perf_counter() - begun) * 1000)
        intent = started["client_secret"].partition("_secret")[0]
        body = {"intent": intent, "number": "4242424242424242"}
        httpx.post(f"{stripe_url}/_control/pay", json=body).raise_for_status()
        begun = time.perf_counter()
        while not http.get(path).raise_for_status().json()["payment"]["paid"]:
            time.sleep(_POLL_S)
        samples[names[2]].append((time.perf_counter() - begun) * 1000)
    return samples


@contextmanager
def local_stripe(home: Path, port: int, webhook_url: str) -> Iterator[str]:
    options = {
        "port": str(port),
        "state": ":memory:",
        "secret-key": STRIPE_KEYS["GROME_STRIPE_SECRET_KEY"],
        "webhook-url": webhook_url,
        "webhook-secret": WEBHOOK_SECRET,
    }
    argv = [sys.executable, "-m", "grome.dev.local_stripe", *(f"--{name}={value}" for name, value in options.items())]
    url = f"http://{HOST}:{port}"
    with (home / "stripe.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)  # noqa: S603 -- our own program
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the local Stripe does not answer; its log: {home / 'stripe.log'}")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_control/summary").is_success
    except httpx.TransportError:
        return False
