"""The guide for app developers is served as a page and as Markdown."""

import re

import httpx

from grome.app import document

OPERATIONS = {f"{method.upper()} {path}" for path, item in document()["paths"].items() for method in item}


async def test_guide_is_served_as_markdown_without_links_into_the_repository(http: httpx.AsyncClient) -> None:
    guide = await http.get("/docs/guide.md")
    assert (guide.status_code, guide.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    assert guide.text.startswith("# ")
    assert "](.." not in guide.text
    named = set(re.findall(r"`((?:GET|PUT|POST|PATCH|DELETE) /v1[^`? ]*)`", guide.text))
    assert len(named) > 5
    assert named <= OPERATIONS


async def test_guide_is_served_as_a_page_with_tables_and_the_style_of_the_others(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs/guide")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "style-src 'self'" in page.headers["content-security-policy"]
    assert page.text.count("<table>") == page.text.count("</table>") > 0
    assert "<script" not in page.text
    assert "&lt;h1" not in page.text


async def test_llms_txt_links_to_the_guide(http: httpx.AsyncClient) -> None:
    linked = re.findall(r"\]\((http[^)]*/docs/guide\.md)\)", (await http.get("/llms.txt")).text)
    assert len(linked) == 1
