"""Render a message from its kind and facts, in the reader's language."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grome.common.languages import Language
from grome.notifications.localizer import Localizer
from grome.notifications.message_content import MessageContent, build_content
from grome.notifications.models import Facts, MessageKind, RenderedMessage
from grome.notifications.sms.alphabet import is_gsm7, segments, sms_text
from grome.notifications.translations import MessageText
from grome.notifications.user_text import UserText

SHORT_MAX_CHARS: Final = 160
_LINE_MAX_CHARS: Final = 100  # of a subject or a title
_MAX_UCS2_SEGMENTS: Final = 2
_NAME_LENGTHS: Final = (100, 60, 40, 30, 20, 12)
_TEMPLATE: Final = Environment(
    loader=PackageLoader("grome.notifications"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("message.html")

Values = Mapping[str, str | UserText]


def render(
    kind: MessageKind, facts: Facts, language: Language, timezone: str, unsubscribe: str | None = None
) -> RenderedMessage:
    """Render a message for a reader in `timezone`. `unsubscribe` is the link for its footer."""
    localizer = Localizer(language, ZoneInfo(timezone))
    content = build_content(kind, facts, localizer)
    text = localizer.translations.messages[content.text_key]
    return RenderedMessage(
        subject=_fill_to_fit(text.subject, content.values, _fits_line),
        html=_html(text, content, localizer, unsubscribe),
        text="\n\n".join(_plain(text, content, localizer, unsubscribe)) + "\n",
        title=_fill_to_fit(text.title, content.values, _fits_line),
        short=_fill_to_fit(text.short, content.values, _fits_sms, _fits_short).replace("\u00a0", " "),
    )


def _fill_to_fit(text: str, values: Values, *bounds: Callable[[str], bool]) -> str:
    """Fill in `text` with the longest names that fit the first satisfiable bound; else with the shortest."""
    filled = [
        text.format(**{name: _shorten(value, longest) for name, value in values.items()}) for longest in _NAME_LENGTHS
    ]
    return next((line for fits in bounds for line in filled if fits(line)), filled[-1])


def _fits_line(text: str) -> bool:
    return len(text) <= _LINE_MAX_CHARS


def _fits_short(text: str) -> bool:
    return len(text) <= SHORT_MAX_CHARS


def _fits_sms(text: str) -> bool:
    """Return whether a text fits one SMS in the GSM alphabet, or two SMS of 134 characters together otherwise."""
    sent = sms_text(text)
    return len(text) <= SHORT_MAX_CHARS and segments(sent) <= (1 if is_gsm7(sent) else _MAX_UCS2_SEGMENTS)


def _shorten(value: str | UserText, length: int) -> str | UserText:
    return value.shortened(length) if isinstance(value, UserText) else value


def _html(text: MessageText, content: MessageContent, localizer: Localizer, unsubscribe: str | None) -> str:
    return _TEMPLATE.render(
        language=localizer.language,
        direction="rtl" if localizer.rtl else "ltr",
        start="right" if localizer.rtl else "left",
        end="left" if localizer.rtl else "right",
        words=localizer.translations.words,
        text=text,
        content=content,
        greeting=_fill_escaped(localizer.translations.words.greeting, content.values),
        paragraphs=[_fill_escaped(paragraph, content.values) for paragraph in text.paragraphs],
        unsubscribe=unsubscribe,
    )


def _fill_escaped(text: str, values: Values) -> Markup:
    return escape(text).format(**values)


def _plain(text: MessageText, content: MessageContent, localizer: Localizer, unsubscribe: str | None) -> Iterator[str]:
    """Yield the plain text by paragraph, with the same content as the HTML."""
    words = localizer.translations.words
    yield text.title.format(**content.values)
    yield words.greeting.format(**content.values)
    for paragraph in text.paragraphs:
        yield paragraph.format(**content.values)
    if content.code:
        yield words.line.format(label=words.code, value=content.code)
    if content.rows:
        yield "\n".join(words.line.format(label=row.label, value=row.value) for row in content.rows)
    if content.link:
        yield f"{text.button}:\n{content.link}"
    yield f"--\n{words.footer}"
    if unsubscribe:
        yield f"{words.unsubscribe}:\n{unsubscribe}"
