"""The docs page works offline and under a strict policy, and the pages for programs name the same operations."""

import re
from html.parser import HTMLParser
from importlib.resources import files

import httpx

from grome.app import document

DOCUMENT = document()
ASSETS = {file.name: file.read_text() for file in files("grome.api_docs").joinpath("assets").iterdir()}


async def test_root_path_redirects_to_the_docs_page(http: httpx.AsyncClient) -> None:
    assert (await http.get("/", follow_redirects=True)).url.path == "/docs"


async def test_docs_page_policy_allows_own_files_and_nothing_inline(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect")} == {"'self'"}
    assert policy["require-trusted-types-for"] == "'script'"
    elements = Elements(page.text)
    assert "style" not in elements.tags
    assert elements.inline_script.strip() == ""
    assert not [name for name in elements.attributes if name == "style" or name.startswith("on")]


async def test_docs_page_loads_nothing_from_other_hosts(http: httpx.AsyncClient) -> None:
    elements = Elements((await http.get("/docs")).text)
    loaded = {link for link in elements.links if not link.startswith(("#", "data:"))}
    loaded |= {f"/docs/assets/{name}" for text in ASSETS.values() for name in re.findall(r'from "\./([\w.]+)"', text)}
    assert len(loaded) > 10
    for link in loaded:
        answer = await http.get(link)
        assert (answer.status_code, link[0]) == (200, "/"), link
    # The one host is RFC 2606's, as an example of a value.
    hosts = {host for text in ASSETS.values() for host in re.findall(r"(?:https?:)?//([\w-]+\.[\w.-]+)", text)}
    assert hosts <= {"example.com"}


async def test_llms_txt_links_to_every_group_and_each_page_names_its_operations(http: httpx.AsyncClient) -> None:
    text = (await http.get("/llms.txt")).text
    assert re.match(r"# Grome API\n\n> \S[^\n]*\n\n", text)  # the form of llmstxt.org
    named = set()
    for tag in DOCUMENT["tags"]:
        (path,) = re.findall(rf"\((?:https?://[^/)]+)(/docs/groups/{re.escape(tag['name'])}\.md)\)", text)
        page = await http.get(path)
        assert page.headers["content-type"] == "text/markdown; charset=utf-8"
        named |= set(re.findall(r"^## (\w+ /\S*)$", page.text, re.MULTILINE))
    assert named == {f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in item}
    assert (await http.get("/docs/groups/no-such-group.md")).status_code == 404


async def test_errors_in_markdown_have_a_section_for_each_code(http: httpx.AsyncClient) -> None:
    text = (await http.get("/docs/errors.md")).text
    linked = re.findall(r'href="/docs/errors/(\w+)"', (await http.get("/docs/errors")).text)
    assert re.findall(r"^## \d+ `(\w+)`$", text, re.MULTILINE) == linked


class Elements(HTMLParser):
    """Collects tags, inline scripts, attributes and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.inline_script = ""
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action", "srcset", "data"}]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.inline_script += data
