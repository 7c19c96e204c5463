"""Test reports over HTTP: request, build, download, deletion, and owners."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from loguru import logger

from grome.app import App
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.protocol import Storage
from grome.reports.models import FILE_PREFIX, file_key
from grome.reports.service import ReportService
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, serve, tomorrow
from tests.builders.ledger import post, visit_entries
from tests.builders.pages import read_pages
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.builders.reports import (
    REPORTS,
    build_report,
    built,
    download,
    make_payout,
    post_report,
    read_report,
    report_body,
    requested_report,
    stored_files,
)
from tests.conftest import AdjustableClock


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, durations=(30, 45), name="Łukasz; „=1+1”")


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


async def visits(http: httpx.AsyncClient, container: Container, shop: Barber, *hours: int) -> list[dict[str, Any]]:
    """Complete visits of tomorrow with both services."""
    customer, done = await register(http), []
    for hour in hours:
        booking = await book(http, customer, shop, tomorrow(hour), services=(0, 1))
        await serve(container, booking, "accept", "start", "complete")
        done.append(booking)
    return done


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_report_is_requested_built_and_downloaded(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    done = await visits(http, container, shop, 9, 11)
    report = await requested_report(http, shop.person)
    assert (report["state"], report["progress"], report["url"]) == ("pending", 0, None)
    assert (report["barber_id"], report["timezone"]) == (shop.id, "Europe/Berlin")
    progress = await build_report(container, report)
    assert progress == sorted(progress)
    assert 0 < progress[-1] <= 1
    ready = await read_report(http, shop.person, report)
    assert (ready["state"], ready["progress"]) == ("done", 1)
    kept = datetime.fromisoformat(ready["expires_at"]) - datetime.fromisoformat(ready["ended_at"])
    assert kept == timedelta(hours=container.settings.reports.keep_h)
    answer = await download(http, ready)
    assert answer.status_code == 200
    assert len(answer.content) == ready["size"]
    headers = {name: answer.headers[name] for name in ("content-type", "x-content-type-options", "cache-control")}
    assert headers == {
        "content-type": "text/csv; charset=utf-8; header=present",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    day = tomorrow(9).date()
    name = f"bookings-{day}-{day}.csv"
    assert answer.headers["content-disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    rows = rows_of(answer)
    assert [row["booking_id"] for row in rows] == [booking["id"] for booking in done]
    assert {row["barber"] for row in rows} == {"Łukasz; „=1+1”"}
    assert {(row["price"], row["currency"], row["status"]) for row in rows} == {("75.00", "EUR", "completed")}


async def test_revenue_report_adds_up(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    await visits(http, container, shop, 9, 11, 13)
    await book(http, await register(http), shop, tomorrow(15))  # not completed, so no revenue
    rows = rows_of(await download(http, await built(http, container, shop.person, kind="revenue")))
    assert sorted((row["count"], row["amount"], row["currency"]) for row in rows) == [
        ("3", "135.00", "EUR"),
        ("3", "90.00", "EUR"),
    ]
    assert {row["day"] for row in rows} == {str(tomorrow(9).date())}


async def test_semicolon_report_has_decimal_commas(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    await visits(http, container, shop, 9)
    report = await built(http, container, shop.person, kind="revenue", separator="semicolon")
    assert report["separator"] == "semicolon"
    content = (await download(http, report)).content
    assert content.startswith(b"\xef\xbb\xbfday;service_id;service;count;amount;currency\r\n")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert sorted((row["count"], row["amount"]) for row in rows) == [("1", "30,00"), ("1", "45,00")]


async def test_separator_for_pdf_is_refused(http: httpx.AsyncClient, shop: Barber) -> None:
    refused = await post_report(http, shop.person, format="pdf", separator="semicolon")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "separator")
    assert (await requested_report(http, shop.person))["separator"] == "comma"


async def test_key_with_another_separator_is_refused(http: httpx.AsyncClient, shop: Barber) -> None:
    await requested_report(http, shop.person, key="k")
    other = await post_report(http, shop.person, key="k", separator="semicolon")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_payout_report_lists_the_payouts_of_the_period(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    ours = make_payout(tomorrow(9), barber_id=shop.person.id)
    later, others = make_payout(tomorrow(9) + timedelta(days=3), barber_id=shop.person.id), make_payout(tomorrow(9))
    await container.database.payouts.insert_many([to_document(payout) for payout in (ours, later, others)])

    async def ids(person: Person, **about: Any) -> set[str]:
        report = await built(http, container, person, kind="payouts", **about)
        return {row["payout_id"] for row in rows_of(await download(http, report))}

    assert await ids(shop.person) == {str(ours.id)}
    assert await ids(boss, barber_id=shop.id) == {str(ours.id)}
    assert await ids(boss) >= {str(ours.id), str(others.id)}


@pytest.mark.parametrize("kind", ["payouts", "ledger"])
async def test_money_report_without_items_has_a_header_only(
    http: httpx.AsyncClient, container: Container, shop: Barber, kind: str
) -> None:
    answer = await download(http, await built(http, container, shop.person, kind=kind))
    assert (answer.content.startswith(b"\xef\xbb\xbf"), answer.text.count("\r\n")) == (True, 1)


async def test_ledger_report_is_the_statement_of_one_barber_or_of_all(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    other = await barber(http, container)
    for one in (shop, other):
        await post(container, *visit_entries(one.person.id, at=tomorrow(9)))
    await post(container, *visit_entries(shop.person.id, at=tomorrow(9) + timedelta(days=3)))

    async def amounts(person: Person, **about: Any) -> list[tuple[str, str]]:
        report = await built(http, container, person, kind="ledger", **about)
        return [(row["barber_id"], row["amount"]) for row in rows_of(await download(http, report))]

    assert await amounts(shop.person) == [(shop.id, "34.00")]
    assert await amounts(boss, barber_id=other.id) == [(other.id, "34.00")]
    assert {(shop.id, "34.00"), (other.id, "34.00")} <= set(await amounts(boss))
    refused = await post_report(http, shop.person, kind="ledger", barber_id=other.id)
    assert refused.status_code == 404


async def test_ledger_report_as_pdf_is_built(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    await post(container, *visit_entries(shop.person.id, at=tomorrow(9)))
    answer = await download(http, await built(http, container, shop.person, kind="ledger", format="pdf"))
    assert answer.content.startswith(b"%PDF-")


async def test_report_covers_the_visits_of_its_owner_only(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    other = await barber(http, container, durations=(30, 45), timezone="Asia/Tokyo")
    ours, others = await visits(http, container, shop, 5), await visits(http, container, other, 4)

    async def ids(person: Person, **about: Any) -> set[str]:
        return {
            row["booking_id"] for row in rows_of(await download(http, await built(http, container, person, **about)))
        }

    assert await ids(shop.person) == {ours[0]["id"]}
    assert await ids(shop.person, barber_id=shop.id) == {ours[0]["id"]}
    assert await ids(boss, barber_id=other.id) == {others[0]["id"]}
    assert await ids(boss) >= {ours[0]["id"], others[0]["id"]}
    refused = await post_report(http, shop.person, barber_id=other.id)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_admin_report_uses_the_chosen_time_zone(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    other = await barber(http, container, timezone="Asia/Tokyo")
    zones = [
        (await requested_report(http, boss, **about))["timezone"]
        for about in ({}, {"barber_id": other.id}, {"barber_id": other.id, "timezone": "America/Lima"})
    ]
    assert zones == ["UTC", "Asia/Tokyo", "America/Lima"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"to": "2000-01-01"}, "to"),
        ({"from": "2024-01-01", "to": "2025-01-01"}, "to"),
        ({"from": "1999-12-31", "to": "2000-01-01"}, "from"),
        ({"from": "2199-12-31", "to": "2200-01-01"}, "to"),
        ({"from": "0001-01-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "2027-02-30"}, "from"),
        ({"kind": "tips"}, "kind"),
        ({"format": "xlsx"}, "format"),
        ({"timezone": "Europe/Berlin"}, "timezone"),
    ],
)
async def test_invalid_request_names_its_field(
    http: httpx.AsyncClient, shop: Barber, changed: dict[str, str], field: str
) -> None:
    refused = await post_report(http, shop.person, **changed)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


async def test_leap_year_is_within_the_limit(http: httpx.AsyncClient, shop: Barber, boss: Person) -> None:
    await requested_report(http, shop.person, **{"from": "2024-01-01", "to": "2024-12-31"})
    for zone in ("Mars/Base", "localtime", "../UTC"):
        refused = await post_report(http, boss, timezone=zone)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "timezone")


async def test_barber_without_profile_is_refused(http: httpx.AsyncClient) -> None:
    refused = await post_report(http, await register(http, role="barber"))
    assert (refused.status_code, refused.json()["code"]) == (409, "profile_missing")


async def test_report_of_another_owner_is_not_found(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    """Holds for admins, too: they request their own reports."""
    report = await built(http, container, shop.person)
    for stranger in (boss, (await barber(http, container)).person):
        for method in ("GET", "DELETE"):
            answer = await http.request(method, f"{REPORTS}/{report['id']}", headers=stranger.auth)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert await read_pages(http, REPORTS, {}, auth=stranger.auth) == [[]]
    assert (await download(http, report)).status_code == 200


async def test_report_list_pages_newest_first(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    reports = [await requested_report(http, shop.person, kind=kind) for kind in ("bookings", "revenue", "payouts")]
    await build_report(container, reports[1])
    pages = await read_pages(http, REPORTS, {}, auth=shop.auth, limits=repeat(2))
    assert [len(page) for page in pages] == [2, 1]
    listed = [item for page in pages for item in page]
    assert [item["id"] for item in listed] == [report["id"] for report in reversed(reports)]
    assert [(item["state"], item["progress"]) for item in listed] == [("pending", 0), ("done", 1), ("pending", 0)]
    assert {item["url"] for item in listed} == {None}


async def test_deleted_report_loses_its_file(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    report = await built(http, container, shop.person)
    for status in (204, 404):
        assert (await http.delete(f"{REPORTS}/{report['id']}", headers=shop.auth)).status_code == status
    assert (await download(http, report)).status_code == 404
    waiting = await requested_report(http, shop.person)
    await http.delete(f"{REPORTS}/{waiting['id']}", headers=shop.auth)
    await build_report(container, waiting)
    assert waiting["id"] not in {str(stored) for stored in await stored_files(container)}


async def test_repeated_key_returns_the_same_report(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    first = await requested_report(http, shop.person, key="k")
    await build_report(container, first)
    assert await requested_report(http, shop.person, key="k") == first
    refused = await post_report(http, shop.person, key="k", kind="revenue")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert (await requested_report(http, (await barber(http, container)).person, key="k"))["id"] != first["id"]


async def test_concurrent_requests_with_one_key_make_one_report(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    answers = await asyncio.gather(*(post_report(http, shop.person, key="k") for _ in range(12)))
    ids = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    others = {answer.json()["code"] for answer in answers if answer.status_code != 202}
    assert len(ids) == 1
    assert others <= {"idempotency_key_in_flight"}
    assert await container.database["reports"].count_documents({"by.id": shop.person.id}) == 1


async def test_sixth_open_report_is_refused(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    """Holds for concurrent requests; a completed report makes room for one more."""
    answers = await asyncio.gather(*(post_report(http, shop.person) for _ in range(12)))
    accepted = [answer.json() for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert len(accepted) == 5
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(429, "too_many_reports")}
    assert refused[0].headers["retry-after"] == "30"
    await build_report(container, accepted[2])
    again = [(await post_report(http, shop.person)).status_code for _ in range(2)]
    assert again == [202, 429]
    assert (await post_report(http, (await barber(http, container)).person)).status_code == 202


async def test_download_url_and_file_expire(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    report = await built(http, container, shop.person)
    clock.shift = timedelta(minutes=container.settings.reports.link_min, seconds=1)
    late = await download(http, report)
    assert (late.status_code, late.json()["code"]) == (403, "link_expired")
    person = await sign_in_again(http, shop.person)
    assert (await download(http, await read_report(http, person, report))).status_code == 200
    clock.shift = timedelta(hours=container.settings.reports.keep_h, seconds=1)
    person = await sign_in_again(http, shop.person)
    assert (await read_report(http, person, report))["url"] is None
    await container.get(ReportService).expire_and_repair()
    over = await read_report(http, person, report)
    assert (over["state"], over["progress"], over["url"]) == ("expired", 1, None)
    assert report["id"] not in {str(stored) for stored in await stored_files(container)}


async def test_download_url_ends_with_its_file(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    report = await built(http, container, shop.person)
    clock.shift = timedelta(hours=container.settings.reports.keep_h) - timedelta(minutes=1)
    last = await read_report(http, await sign_in_again(http, shop.person), report)
    link = container.get(FileLinks).read(urlsplit(last["url"]).path.rpartition("/")[2])
    assert link
    assert link.expires <= datetime.fromisoformat(report["expires_at"]).timestamp()


async def test_altered_download_url_is_not_found(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    report = await built(http, container, shop.person)
    path, _, token = urlsplit(report["url"]).path.rpartition("/")
    for altered in (token[:-5], f"{token}AAAA", f"{'B' if token[0] == 'A' else 'A'}{token[1:]}", "a.b.c", "%ff", "x"):
        answer = await http.get(f"{path}/{altered}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await http.head(f"{path}/{token}")).headers["content-length"] == str(report["size"])
    assert (await http.post(f"{path}/{token}")).status_code == 405


async def test_customers_have_no_reports(http: httpx.AsyncClient) -> None:
    customer = await register(http)
    assert (await http.post(REPORTS, json=report_body(), headers=customer.auth)).status_code == 403


async def test_log_has_no_download_url(http: httpx.AsyncClient, app: App) -> None:
    lines: list[str] = []
    number = logger.add(lambda line: lines.append(str(line)), level="DEBUG")
    app.config.ACCESS_LOG_LINES = True
    try:
        assert (await http.get("/v1/files/a-token-of-somebody")).status_code == 404
    finally:
        app.config.ACCESS_LOG_LINES = False
        logger.remove(number)
    assert any("GET /v1/files/…" in line for line in lines)
    assert not any("a-token-of-somebody" in line for line in lines)


async def test_expiry_with_an_unreadable_report_expires_the_others(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    report = await built(http, container, shop.person)
    stored = await container.database["reports"].find_one({"_id": UUID(report["id"])})
    assert stored
    older = UUID(int=stored["_id"].int - (1 << 80))
    bad = {**stored, "_id": older, "kind": "unheard_of"}
    open_one = {**bad, "_id": UUID(int=older.int - 1), "state": "pending", "expires_at": None}
    await container.database["reports"].insert_many([bad, open_one], bypass_document_validation=True)
    clock.shift = timedelta(hours=container.settings.reports.keep_h, seconds=1)
    await container.get(ReportService).expire_and_repair()
    await container.database["reports"].delete_many({"kind": "unheard_of"})
    person = await sign_in_again(http, shop.person)
    assert (await read_report(http, person, report))["state"] == "expired"


async def test_orphan_deletion_skips_foreign_files(container: Container) -> None:
    foreign, gone = "reports/0-not-a-report", file_key(new_id())

    async def content() -> AsyncIterator[bytes]:
        yield b"x"

    for key in (foreign, gone):
        await container.get(Storage).put(key, content())
    assert await container.get(ReportService).delete_orphaned_files() >= 1
    assert [key async for key in container.get(Storage).keys(FILE_PREFIX) if key in {foreign, gone}] == [foreign]
    await container.get(Storage).delete(foreign)
