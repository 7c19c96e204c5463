"""Render the guide for app developers, as Markdown and as a page."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

from markupsafe import Markup

from grome.api_docs.page_templates import TEMPLATES

# Pages and images of the repository are not served: a link leaves its text, an image nothing.
_IMAGE_OF_REPOSITORY: Final = re.compile(r"^!\[[^\]]*\]\(\.\.[^)]*\)\n+", re.MULTILINE)
_LINK_TO_REPOSITORY: Final = re.compile(r"\[([^\]]*)\]\(\.\.[^)]*\)")


@cache
def guide_text() -> str:
    """Return the guide in Markdown."""
    text = files("grome.api_docs").joinpath("guide.md").read_text(encoding="utf-8")
    return _LINK_TO_REPOSITORY.sub(r"\1", _IMAGE_OF_REPOSITORY.sub("", text))


@cache
def guide_page() -> str:
    """Return the guide in HTML."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 -- for this page only, and 40 ms

    content = MarkdownIt("commonmark", {"html": False}).enable("table").render(guide_text())
    return TEMPLATES.get_template("guide.html").render(content=Markup(content))  # noqa: S704 -- a file of our own
