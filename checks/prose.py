"""Collect the prose of the project: docstrings, comments and Markdown, divided into sentences."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Final

from checks.tree import ROOT

_PYTHON: Final = ("benchmarks", "checks", "config", "docs", "grome", "locustfiles", "tests", "workers")
_MARKDOWN: Final = ("*.md", "docs/**/*.md", "grome/**/*.md", "benchmarks/**/*.md", "locustfiles/**/*.md")

_SENTENCE_END = re.compile(r"""(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)["'`)*_]*\s+(?=["'(\[*_]*[A-Z0-9`])""")
_NEW_BLOCK = re.compile(r"\n\s*\n|\n\s*(?=[-*] |\d+\. )")
_LIST_MARK = re.compile(r"^(?:[-*]|\d+\.) +")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_DIRECTIVE = re.compile(r"^(?:noqa\b|(?:type|fmt|ruff|mypy): )(?:(?!--).)*(?:--)?\s*|^!.*")
_FENCE: Final = "```"


class Kind(Enum):
    DOCSTRING = "docstring"
    COMMENT = "comment"
    MARKDOWN = "Markdown"


@dataclass(frozen=True)
class Passage:
    """A docstring, a block of comments, or a paragraph, heading, list item or table cell of Markdown."""

    kind: Kind
    path: str
    line: int
    text: str

    def sentences(self) -> Iterator[tuple[int, str]]:
        """Yield the line and the text of each sentence. Paragraphs and list items end a sentence too."""
        for start, block in _divided(_NEW_BLOCK, self.text, 0):
            for offset, sentence in _divided(_SENTENCE_END, block, start):
                if words := _LIST_MARK.sub("", " ".join(sentence.split())):
                    yield self.line + self.text.count("\n", 0, offset), words


def _divided(separator: re.Pattern[str], text: str, offset: int) -> Iterator[tuple[int, str]]:
    """Yield the parts between the separators, each with its offset."""
    start = 0
    for match in separator.finditer(text):
        yield offset + start, text[start : match.start()]
        start = match.end()
    yield offset + start, text[start:]


def passages(root: Path = ROOT) -> Iterator[Passage]:
    for folder in _PYTHON:
        for path in sorted((root / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            yield from docstrings(source, str(path.relative_to(root)))
            yield from comments(source, str(path.relative_to(root)))
    for pattern in _MARKDOWN:
        for path in sorted(root.glob(pattern)):
            yield from markdown(path.read_text(encoding="utf-8"), str(path.relative_to(root)))


def docstrings(source: str, path: str) -> Iterator[Passage]:
    """Yield the docstrings of modules, classes, functions, and fields of classes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            yield from _docstrings_of_fields(node, path)
        match node:
            case (
                ast.Module(body=[first, *_])
                | ast.ClassDef(body=[first, *_])
                | ast.FunctionDef(body=[first, *_])
                | ast.AsyncFunctionDef(body=[first, *_])
            ):
                match first:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        yield Passage(Kind.DOCSTRING, path, first.lineno, text)


def _docstrings_of_fields(node: ast.ClassDef, path: str) -> Iterator[Passage]:
    for field, text in pairwise(node.body):
        match field, text:
            case ast.AnnAssign() | ast.Assign(), ast.Expr(value=ast.Constant(value=str(words))):
                yield Passage(Kind.DOCSTRING, path, text.lineno, words)


def comments(source: str, path: str) -> Iterator[Passage]:
    """Yield comments; lines below each other that hold nothing else are one. Directives for tools are left out."""
    block: list[str] = []
    at = (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, column = token.start
        alone = not token.line[:column].strip()
        if block and not (alone and (line, column) == (at[0] + len(block), at[1])):
            yield Passage(Kind.COMMENT, path, at[0], "\n".join(block))
            block = []
        at = at if block else token.start
        block.append(_DIRECTIVE.sub("", token.string.lstrip("#").strip()))
    if block:
        yield Passage(Kind.COMMENT, path, at[0], "\n".join(block))


def markdown(source: str, path: str) -> Iterator[Passage]:
    """Yield everything but code. A heading, a list item and a table cell are passages of their own."""
    block: list[str] = []
    fenced = False
    for number, line in enumerate([*source.splitlines(), ""], 1):
        text = _LINK.sub(r"\1", line.strip())
        fence = text.startswith(_FENCE)
        apart = text.startswith(("#", "|"))
        if block and (not text or fence or apart or _LIST_MARK.match(text)):
            yield Passage(Kind.MARKDOWN, path, number - len(block), "\n".join(block))
            block = []
        if fence:
            fenced = not fenced
        elif apart and not fenced:
            for part in text.strip("#| ").split("|"):
                yield Passage(Kind.MARKDOWN, path, number, part)
        elif text and not fenced:
            block.append(text)
