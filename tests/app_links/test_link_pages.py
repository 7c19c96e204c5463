"""Test the public pages behind links of messages: language, and no private data."""

import base64
import hashlib
import re
from typing import get_args
from uuid import UUID

import httpx
import pytest

from grome.app_links.page import TEXTS, Subject, link_page
from grome.common.languages import LANGUAGES
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import register

SUBJECTS: tuple[Subject, ...] = get_args(Subject)
ID = UUID(int=7)
PATHS = {
    f"/bookings/{ID}": f"grome://bookings/{ID}",
    f"/b/{ID}": f"grome://bookings/{ID}",
    f"/webhooks/{ID}": f"grome://webhooks/{ID}",
}


@pytest.mark.parametrize("path", PATHS)
async def test_link_page_links_to_the_app(http: httpx.AsyncClient, path: str) -> None:
    shown = await http.get(path)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.findall('href="([^"]*)"', shown.text.partition("<body>")[2]) == [PATHS[path]]
    head = await http.head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_link_page_of_an_existing_and_a_missing_booking_is_the_same(
    http: httpx.AsyncClient, container: Container
) -> None:
    """The response is the same for an existing and a missing booking."""
    customer = await register(http, name="Zoë")
    booking = await book(http, customer, await barber(http, container), tomorrow(9))
    there, nowhere = await http.get(f"/bookings/{booking['id']}"), await http.get(f"/bookings/{ID}")
    assert there.text.replace(booking["id"], str(ID)) == nowhere.text


@pytest.mark.parametrize("path", ["/bookings/7", "/bookings/", "/bookings", f"/b/{ID}/x", "/webhooks/%3Cb%3E"])
async def test_link_path_without_a_valid_id_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
async def test_link_page_is_in_the_best_accepted_language(http: httpx.AsyncClient, language: str) -> None:
    shown = await http.get(f"/bookings/{ID}", headers={"Accept-Language": f"nl, {language}-XX;q=0.8, en;q=0.1"})
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in shown.text
    assert shown.headers["content-language"] == language
    assert "Accept-Language" in shown.headers["vary"]


async def test_link_page_policy_allows_only_its_own_style(http: httpx.AsyncClient) -> None:
    shown = await http.get(f"/bookings/{ID}")
    (style,) = re.findall("<style>(.*?)</style>", shown.text, re.DOTALL)
    source = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = shown.headers["content-security-policy"]
    assert f"style-src 'sha256-{source}'" in policy
    assert "default-src 'none'" in policy
    assert "<script" not in shown.text
    assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert shown.headers["x-robots-tag"] == "noindex"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_link_page_texts_of_each_subject_differ_by_language(subject: Subject) -> None:
    assert set(TEXTS) == set(LANGUAGES)
    pages = {link_page(language, subject, "x") for language in LANGUAGES}
    assert len(pages) == len(LANGUAGES)
    for shown in pages:
        assert not re.search(r"[{}$]", shown.partition("<body>")[2])
