"""Test how the account page is served: languages, policies and texts. test_in_chromium.py uses the page."""

import re
from importlib.resources import files

import httpx
import pytest

from grome.account_page.page import TEXTS, account_page_in
from grome.common.languages import LANGUAGES

HERE = files("grome.account_page")
SCRIPTS = {file.name: file.read_text() for file in HERE.iterdir() if file.name.endswith(".js")}
PAGE = HERE.joinpath("account.html").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_account_page_is_in_the_best_accepted_language(http: httpx.AsyncClient, language: str) -> None:
    shown = await http.get("/account", headers={"Accept-Language": f"nl, {language}-XX;q=0.8, en;q=0.1"})
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in shown.text
    assert (shown.headers["content-language"], shown.headers["cache-control"]) == (language, "no-store")
    assert "Accept-Language" in shown.headers["vary"]
    assert not re.search(r"\{\{|\{%", shown.text)


async def test_account_page_policy_allows_no_inline_script_and_no_other_host(http: httpx.AsyncClient) -> None:
    shown = await http.get("/account")
    policy = dict(part.strip().split(" ", 1) for part in shown.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", shown.text)
    assert (shown.headers["referrer-policy"], shown.headers["x-content-type-options"]) == ("no-referrer", "nosniff")
    assert shown.headers["cross-origin-opener-policy"] == "same-origin"


async def test_account_page_serves_each_script_and_nothing_else(http: httpx.AsyncClient) -> None:
    for name, script in SCRIPTS.items():
        shown = await http.get(f"/account/{name}")
        assert (shown.text, shown.headers["content-type"]) == (script, "text/javascript; charset=utf-8")
    for name in ("page.py", "account.html", "%2e%2e%2fpage.py", "x"):
        assert (await http.get(f"/account/{name}")).status_code == 404


def test_account_page_scripts_write_no_markup() -> None:
    """Names and messages of people are shown as text."""
    for script in SCRIPTS.values():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)


def test_account_page_listens_to_no_other_window() -> None:
    """Tabs of the same origin exchange tokens over a channel of their own, which no other origin reaches."""
    for script in SCRIPTS.values():
        assert not re.search(r"""addEventListener\(["']message|window\.onmessage|postMessage\([^)]*["']\*""", script)


def test_account_page_password_fields_are_masked_and_open_to_password_managers() -> None:
    page = account_page_in("en").decode()
    fields = re.findall(r'<input [^>]*name="(?:password|current|new)"[^>]*>', page)
    assert len(fields) == 8
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
    assert not re.search(r"onpaste|preventDefault\(\)[^;]*paste|[\"']paste[\"']", "".join(SCRIPTS.values()))


def test_account_page_texts_are_the_same_and_used_in_every_language() -> None:
    names = set(TEXTS["en"])
    for texts in TEXTS.values():
        assert set(texts) == names
        for name, text in texts.items():
            assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", TEXTS["en"][name]), name
    composed = {f"{prefix}_{kind}" for prefix in ("new",) for kind in ("email", "phone")}
    composed |= {f"{kind}_confirmed" for kind in ("email", "phone")}
    used = set(re.findall(r"\bt\.(\w+)", PAGE)) | set(re.findall(r'"(\w+)"', "".join(SCRIPTS.values())))
    assert names <= used | composed
    assert set(re.findall(r'\btext\("(\w+)"', "".join(SCRIPTS.values()))) <= names
