"""The page that a mail's unsubscribe link leads to, in the language of its user."""

from importlib.resources import files
from string import Template
from typing import Final

from msgspec import Struct, toml

from grome.accounts.models import Topic
from grome.common.languages import Language
from grome.infrastructure.http.csp import csp_hash


class PageTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """`question` and `ended` name the topic, by what `topics` calls it."""

    title: str
    question: str
    button: str
    ended: str
    rest: str
    topics: dict[Topic, str]


def _read(name: str) -> str:
    return files("grome.notifications").joinpath(name).read_text(encoding="utf-8")


_PAGE: Final = _read("unsubscribe_page.html")
_TEMPLATE: Final = Template(_PAGE)
TEXTS: Final = toml.decode(_read("unsubscribe_page.toml"), type=dict[Language, PageTexts])
# The fields are those that mail programs send for a click on their own button (RFC 8058, section 3.2).
_FORM: Final = Template(
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>$button</button></form>'
)
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; "
    f"style-src {csp_hash(_PAGE, 'style')}"
)


def render_page(language: Language, topic: Topic, *, ended: bool) -> str:
    """With a button, or where that is done already, without. Everything on it is ours, so nothing is escaped."""
    texts = TEXTS[language]
    return _TEMPLATE.substitute(
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        title=texts.title,
        said=(texts.ended if ended else texts.question).format(topic=texts.topics[topic]),
        form="" if ended else _FORM.substitute(button=texts.button),
        rest=texts.rest,
    )
