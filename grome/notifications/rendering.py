"""From a kind of message and its facts to what is sent, in the reader's language."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grome.common.languages import Language
from grome.notifications.localizer import Reader
from grome.notifications.message_content import Telling, telling
from grome.notifications.models import Facts, MessageKind, Rendered
from grome.notifications.sms.alphabet import is_gsm7, segments, sms_text
from grome.notifications.translations import MessageText
from grome.notifications.user_text import Typed

SHORT: Final = 160
_LINE: Final = 100  # of a subject or a title
_MESSAGES_IN_UCS2: Final = 2
_NAME_LENGTHS: Final = (100, 60, 40, 30, 20, 12)
_TEMPLATE: Final = Environment(
    loader=PackageLoader("grome.notifications"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("message.html")

Values = Mapping[str, str | Typed]


def render(
    kind: MessageKind, facts: Facts, language: Language, timezone: str, unsubscribe: str | None = None
) -> Rendered:
    """One message for a reader whose clocks stand in `timezone`; `unsubscribe` is the link for its footer."""
    reader = Reader(language, ZoneInfo(timezone))
    told = telling(kind, facts, reader)
    text = reader.wording.messages[told.text]
    return Rendered(
        subject=_fitting(text.subject, told.values, _fits_line),
        html=_html(text, told, reader, unsubscribe),
        text="\n\n".join(_plain(text, told, reader, unsubscribe)) + "\n",
        title=_fitting(text.title, told.values, _fits_line),
        short=_fitting(text.short, told.values, _fits_few_messages, _fits_short).replace("\u00a0", " "),
    )


def _fitting(text: str, values: Values, *bounds: Callable[[str], bool]) -> str:
    """`text` filled in, with the longest names that fit the first of `bounds` that any fit; else the shortest."""
    filled = [
        text.format(**{name: _cut(value, longest) for name, value in values.items()}) for longest in _NAME_LENGTHS
    ]
    return next((line for fits in bounds for line in filled if fits(line)), filled[-1])


def _fits_line(text: str) -> bool:
    return len(text) <= _LINE


def _fits_short(text: str) -> bool:
    return len(text) <= SHORT


def _fits_few_messages(text: str) -> bool:
    """One text message where its alphabet has all characters, else two, which hold 134."""
    sent = sms_text(text)
    return len(text) <= SHORT and segments(sent) <= (1 if is_gsm7(sent) else _MESSAGES_IN_UCS2)


def _cut(value: str | Typed, length: int) -> str | Typed:
    return value.shortened(length) if isinstance(value, Typed) else value


def _html(text: MessageText, told: Telling, reader: Reader, unsubscribe: str | None) -> str:
    return _TEMPLATE.render(
        language=reader.language,
        direction="rtl" if reader.rtl else "ltr",
        start="right" if reader.rtl else "left",
        end="left" if reader.rtl else "right",
        words=reader.wording.words,
        text=text,
        told=told,
        greeting=_marked(reader.wording.words.greeting, told.values),
        paragraphs=[_marked(paragraph, told.values) for paragraph in text.paragraphs],
        unsubscribe=unsubscribe,
    )


def _marked(text: str, values: Values) -> Markup:
    return escape(text).format(**values)


def _plain(text: MessageText, told: Telling, reader: Reader, unsubscribe: str | None) -> Iterator[str]:
    """Paragraph by paragraph the same as the HTML says."""
    words = reader.wording.words
    yield text.title.format(**told.values)
    yield words.greeting.format(**told.values)
    for paragraph in text.paragraphs:
        yield paragraph.format(**told.values)
    if told.code:
        yield words.line.format(label=words.code, value=told.code)
    if told.rows:
        yield "\n".join(words.line.format(label=row.label, value=row.value) for row in told.rows)
    if told.link:
        yield f"{text.button}:\n{told.link}"
    yield f"--\n{words.footer}"
    if unsubscribe:
        yield f"{words.unsubscribe}:\n{unsubscribe}"
