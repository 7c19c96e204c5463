"""Render the pages of errors. They have no script; links lead to the operations on the docs page."""

import re
from itertools import groupby
from typing import Final

import msgspec
from markupsafe import Markup, escape

from grome.api_docs.error_catalogue import DocumentedError
from grome.api_docs.page_templates import TEMPLATES
from grome.infrastructure.http.responses import Problem, encode, problem_type

_CODE: Final = re.compile(r"`([^`]+)`")


def _paragraphs(text: str) -> Markup:
    parts = (_CODE.sub(r"<code>\1</code>", str(escape(part))) for part in re.split(r"\n\s*\n", text) if part)
    return Markup("".join(f"<p>{part}</p>" for part in parts))  # noqa: S704 -- every part is escaped above


TEMPLATES.filters["paragraphs"] = _paragraphs


def error_index_page(errors: list[DocumentedError]) -> str:
    """Render the list of all errors, grouped by status."""
    groups = [(status, list(group)) for status, group in groupby(errors, key=lambda error: error.status)]
    return TEMPLATES.get_template("error_index.html").render(groups=groups, count=len(errors))


def error_page(error: DocumentedError, api_base: str) -> str:
    """Render the page of an error, with an example of its problem."""
    example = Problem(
        type=problem_type(api_base, error.code),
        title=error.title,
        status=error.status,
        code=error.code,
        request_id="01980f2c4a7b7c3e9d5a6b1c",
    )
    return TEMPLATES.get_template("error_page.html").render(error=error, example=_indented(example))


def unknown_error_page(code: str) -> str:
    return TEMPLATES.get_template("unknown_error.html").render(code=code)


def _indented(problem: Problem) -> str:
    return msgspec.json.format(encode(problem), indent=2).decode()
