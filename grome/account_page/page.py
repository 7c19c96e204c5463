"""Render the account page in each language."""

from importlib.resources import files
from typing import Final

import msgspec
from babel import Locale
from jinja2 import Environment, StrictUndefined

from grome.common.languages import LANGUAGES, Language, load_texts, text_direction

HERE: Final = files("grome.account_page")
TEXTS: Final = load_texts("account_page", dict[str, str])
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
    "img-src data:; style-src 'self'; script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    HERE.joinpath("account.html").read_text(encoding="utf-8")
)


def _page(language: Language) -> bytes:
    texts = TEXTS[language]
    page = _TEMPLATE.render(
        language=language,
        direction=text_direction(language),
        languages={tag: Locale.parse(tag).get_display_name(tag) for tag in LANGUAGES},
        t=texts,
        texts=msgspec.json.encode(texts).decode(),
    )
    return page.encode()


PAGES: Final[dict[Language, bytes]] = {language: _page(language) for language in LANGUAGES}
