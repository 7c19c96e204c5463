"""Files, links, headings, chores, commands and settings that the pages name exist."""

import re
import shlex
from itertools import takewhile
from pathlib import Path

import click
import pytest

from config.loading import FILE_SUFFIX, OTHERS
from config.settings import setting_fields
from grome.cli.lazy_group import LazyCommand
from grome.cli.main import cli
from tests.docs.pages import PAGES, ROOT, blocks, prose

EXAMPLE = "aliases"  # the feature that the tutorial writes is not there, and must not be
TOP = {path.name for path in ROOT.iterdir()}
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
_CHORES = re.compile(r"^([a-z-]+):.*##", re.MULTILINE)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def commands(page: Path) -> list[str]:
    """Everything that could be typed: code within lines, and the lines of shell blocks."""
    shell = [block.content for block in blocks(page.read_text()) if block.kind == "sh"]
    return [*_CODE.findall(prose(page)), *"\n".join(shell).splitlines()]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def paths(page: Path) -> list[str]:
    """Code that begins with something of the top folder, as a path would."""
    found = [code for code in _CODE.findall(prose(page)) if _PATH.fullmatch(code)]
    return [code for code in found if "/" in code and code.split("/")[0] in TOP and code.split("/")[0] != ".grome"]


@pages
def test_links_of_each_page_resolve(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pages
def test_paths_named_on_each_page_exist(page: Path) -> None:
    for path in paths(page):
        assert (ROOT / path).exists() is (EXAMPLE not in path), path


@pages
def test_commands_and_settings_named_on_each_page_exist(page: Path) -> None:
    chores = set(_CHORES.findall((ROOT / "Makefile").read_text()))
    settings = {leaf.variable for leaf in setting_fields()} | OTHERS
    for command in commands(page):
        for chore in re.findall(r"^make ([a-z-]+)", command):
            assert chore in chores, command
        for name in re.findall(r"^(?:\.venv/bin/)?grome ([a-z-]+)", command):
            assert name in cli.commands, command
        for variable in re.findall(r"\bGROME_[A-Z_]+\b", command):
            assert variable.removesuffix(FILE_SUFFIX) in settings, command


def grome_calls(page: Path) -> list[list[str]]:
    """Return the arguments of each call of `grome` in shell blocks, up to a pipe or a redirection."""
    lines = [line for block in blocks(page.read_text()) if block.kind == "sh" for line in logical_lines(block.content)]
    words = [shlex.split(line, comments=True) for line in lines if "grome" in line]
    after = [call[call.index(name) + 1 :] for call in words for name in ("grome", ".venv/bin/grome") if name in call]
    return [list(takewhile(lambda word: word not in {"|", ">", "&&", "&"}, call)) for call in after]


def logical_lines(content: str) -> list[str]:
    return content.replace("\\\n", " ").splitlines()


@pages
def test_arguments_of_grome_on_each_page_are_accepted(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROME_NEW_PASSWORD", "a-plain-password")
    for name, *arguments in filter(None, grome_calls(page)):
        if name not in cli.commands:
            continue  # `grome --version`, or a name of something else
        command = cli.commands[name]
        loaded = command.load() if isinstance(command, LazyCommand) else command
        is_group = isinstance(loaded, click.Group)
        final = loaded.commands[arguments[0]] if isinstance(loaded, click.Group) else loaded
        try:
            final.make_context(name, arguments[is_group:])
        except click.MissingParameter:
            raise
        except click.BadParameter:
            continue  # names a file that is not here


def test_docs_pages_have_enough_paths_and_links_to_check() -> None:
    assert len({path for page in PAGES for path in paths(page)}) > 30
    assert sum(len(_LINK.findall(prose(page))) for page in PAGES) > 10


def test_every_decision_has_all_sections() -> None:
    decisions = [page for page in PAGES if page.parent.name == "decisions"]
    assert [page.name[:4] for page in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for page in decisions:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        for part in ("Context", "Decision", "Consequences", "When to reconsider"):
            assert f"**{part}.**" in text, (page.name, part)
