"""Render the page behind a link in a message, which names the subject and opens the app. It shows no private data."""

from importlib.resources import files
from string import Template
from typing import Final, Literal

from msgspec import Struct

from grome.common.languages import Language, Texts, text_direction
from grome.infrastructure.http.csp import csp_hash

Subject = Literal["booking", "webhook"]
# The app registers this scheme. A link of https that the app claims (Universal Links, App Links) never shows the page.
APP_SCHEME: Final = "grome"


class SubjectTexts(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    said: str


class PageTexts(Struct, frozen=True, forbid_unknown_fields=True):
    button: str
    rest: str
    booking: SubjectTexts
    webhook: SubjectTexts


_PAGE: Final = files("grome.app_links").joinpath("page.html").read_text(encoding="utf-8")
_TEMPLATE: Final = Template(_PAGE)
TEXTS: Final = Texts("link_page", PageTexts)
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:; "
    f"style-src {csp_hash(_PAGE, 'style')}"
)


def link_page(language: Language, subject: Subject, path: str) -> str:
    """Render the page that opens `path` in the app. Nothing is escaped, because the page contains no user input."""
    texts = TEXTS[language]
    about: SubjectTexts = getattr(texts, subject)
    return _TEMPLATE.substitute(
        language=language,
        direction=text_direction(language),
        title=about.title,
        said=about.said,
        link=f"{APP_SCHEME}://{path}",
        button=texts.button,
        rest=texts.rest,
    )
