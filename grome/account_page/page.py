"""Render the account page in each language."""

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from babel import Locale
from jinja2 import Environment, StrictUndefined

from grome.common.languages import LANGUAGES, Language, Texts, text_direction

HERE: Final = files("grome.account_page")
TEXTS: Final = Texts("account_page", dict[str, str])
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
    "img-src data:; style-src 'self'; script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    HERE.joinpath("account.html").read_text(encoding="utf-8")
)


@cache
def account_page_in(language: Language) -> bytes:
    """Render the page; the first call of a process reads Babel's data of all languages, which takes 0.1 s."""
    texts = TEXTS[language]
    page = _TEMPLATE.render(
        language=language,
        direction=text_direction(language),
        languages={tag: Locale.parse(tag).get_display_name(tag) for tag in LANGUAGES},
        t=texts,
        texts=msgspec.json.encode(texts).decode(),
    )
    return page.encode()
