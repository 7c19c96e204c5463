"""Render the page behind the unsubscribe link of a mail, in the user's language."""

from importlib.resources import files
from string import Template
from typing import Final

from msgspec import Struct

from grome.accounts.models import Topic
from grome.common.languages import Language, Texts, text_direction
from grome.infrastructure.http.csp import csp_hash


class PageTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the texts of the page. `question` and `ended` contain the topic by its name in `topics`."""

    title: str
    question: str
    button: str
    ended: str
    rest: str
    topics: dict[Topic, str]


_PAGE: Final = files("grome.notifications").joinpath("unsubscribe_page.html").read_text(encoding="utf-8")
_TEMPLATE: Final = Template(_PAGE)
TEXTS: Final = Texts("unsubscribe_page", PageTexts)
# The fields that mail programs send for a click on their own button (RFC 8058, section 3.2).
_FORM: Final = Template(
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>$button</button></form>'
)
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; "
    f"style-src {csp_hash(_PAGE, 'style')}"
)


def render_page(language: Language, topic: Topic, *, ended: bool) -> str:
    """Render the page, without the button if the user has unsubscribed.

    It contains no user input, so nothing is escaped.
    """
    texts = TEXTS[language]
    return _TEMPLATE.substitute(
        language=language,
        direction=text_direction(language),
        title=texts.title,
        said=(texts.ended if ended else texts.question).format(topic=texts.topics[topic]),
        form="" if ended else _FORM.substitute(button=texts.button),
        rest=texts.rest,
    )
