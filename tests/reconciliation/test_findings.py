"""Findings in the hands of admins and of the monitoring, and a Grome without payments."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.relay import Relay
from grome.reconciliation.jobs import compare_with_stripe, fetch_missed_events
from tests.api.problems import assert_refused
from tests.builders.people import register
from tests.reconciliation.world import LATER, World
from tests.support.app import ChangedContainer
from tests.support.eventually import until
from tests.support.jobs import run_worker
from workers.registry import HANDLERS

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "payments.yml"
REASON = "Charged by hand for a voucher."


async def resolve(world: World, finding: dict[str, Any]) -> httpx.Response:
    boss = await world.admin()
    path = f"/v1/admin/findings/{finding['id']}/resolve"
    return await world.http.post(path, json={"reason": REASON}, headers=boss.auth)


async def test_resolved_finding_stays_resolved_while_its_amount_is_the_same(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.compare()
    [finding] = await world.findings(line["id"])
    answer = await resolve(world, finding)
    assert answer.status_code == 200, answer.text
    assert answer.json()["reason"] == REASON
    await world.compare()
    assert await world.findings(line["id"]) == []
    [resolved] = await world.findings(line["id"], status="resolved")
    assert resolved["resolved_by"] is not None


async def test_finding_is_resolved_once_only(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.compare()
    [finding] = await world.findings(line["id"])
    await resolve(world, finding)
    assert_refused(await resolve(world, finding), 409, "finding_resolved", told="again")
    assert_refused(await resolve(world, {"id": str(new_id())}), 404, "not_found", told="unknown")


async def test_resolution_is_in_the_audit_trail_with_reason_and_amount(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.compare()
    [finding] = await world.findings(line["id"])
    leading = asyncio.create_task(world.container.get(Relay).run())
    try:
        await resolve(world, finding)
        boss = await world.admin()
        records: list[dict[str, Any]] = []

        async def is_recorded() -> bool:
            found = await world.http.get("/v1/admin/audit", params={"subject_id": finding["id"]}, headers=boss.auth)
            records[:] = found.json()["items"]
            return bool(records)

        await until(is_recorded)
    finally:
        leading.cancel()
        with suppress(asyncio.CancelledError):
            await leading
    [record] = records
    assert (record["type"], record["reason"]) == ("finding.resolved", REASON)
    assert record["money"] == {"amount": line["net"], "currency": "EUR"}


async def test_findings_are_listed_in_pages_by_kind(world: World) -> None:
    lines = [await world.charge_elsewhere() for _ in range(3)]
    await world.compare()
    boss = await world.admin()
    subjects: list[str] = []
    query: dict[str, Any] = {"limit": 2, "kind": "unbooked_movement"}
    while True:
        page = (await world.http.get("/v1/admin/findings", params=query, headers=boss.auth)).json()
        subjects += [item["subject"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert {line["id"] for line in lines} <= set(subjects)
    assert len(subjects) == len(set(subjects))


async def test_requested_run_compares_in_the_background(world: World) -> None:
    line = await world.charge_elsewhere()
    world.clock.shift += LATER
    boss = await world.admin()
    asked = await world.http.post("/v1/admin/reconciliation/run", headers=boss.auth)
    assert asked.status_code == 202, asked.text

    async def is_found() -> bool:
        return bool(await world.findings(line["id"]))

    async with run_worker(world.container, HANDLERS):
        await until(is_found)


async def test_metrics_count_open_findings_by_kind(world: World) -> None:
    await world.charge_elsewhere()
    await world.compare()
    boss = await world.admin()
    found = (await world.http.get("/metrics", headers=boss.auth)).text
    count = re.search(r'^grome_reconciliation_findings\{kind="unbooked_movement"\} (\S+)$', found, re.MULTILINE)
    assert count is not None
    assert float(count[1]) >= 1
    assert re.search(r'^grome_reconciliation_lag_seconds\{loop="money"\} ', found, re.MULTILINE)


async def test_alert_rules_name_metrics_that_exist(world: World) -> None:
    await world.compare()
    boss = await world.admin()
    exposed = (await world.http.get("/metrics", headers=boss.auth)).text
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert rules
    for rule in rules:
        for name in re.findall(r"grome_\w+", rule["expr"]):
            assert f"# TYPE {name} " in exposed, rule["alert"]


@pytest.fixture
def without_payments(container: Container) -> Container:
    off = msgspec.structs.replace(container.settings.stripe, secret_key="")
    return ChangedContainer(container, settings=msgspec.structs.replace(container.settings, stripe=off))


async def test_loops_without_payments_do_nothing(without_payments: Container, world: World) -> None:
    calls = len(await world.control.calls())
    await fetch_missed_events({"container": without_payments})
    await compare_with_stripe({"container": without_payments})
    assert len(await world.control.calls()) == calls


async def test_findings_are_for_admins_only(world: World) -> None:
    customer = await register(world.http)
    for method, path in (
        ("GET", "/v1/admin/findings"),
        ("POST", f"/v1/admin/findings/{new_id()}/resolve"),
        ("POST", "/v1/admin/reconciliation/run"),
    ):
        assert_refused(await world.http.request(method, path, headers=customer.auth), 403, "forbidden", told=path)
