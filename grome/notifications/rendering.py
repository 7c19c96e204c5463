"""From a kind of message and its facts to what is sent, in the reader's language."""

from collections.abc import Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grome.notifications.models import Facts, Language, MessageKind, Rendered
from grome.notifications.reader import Reader
from grome.notifications.telling import Telling, telling
from grome.notifications.typed import Typed
from grome.notifications.wording import MessageText

SHORT: Final = 160
_LINE: Final = 100  # of a subject or a title
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
        subject=_fitting(text.subject, told.values, _LINE),
        html=_html(text, told, reader, unsubscribe),
        text="\n\n".join(_plain(text, told, reader, unsubscribe)) + "\n",
        title=_fitting(text.title, told.values, _LINE),
        short=_fitting(text.short, told.values, SHORT).replace("\u00a0", " "),  # which no SMS alphabet has
    )


def _fitting(text: str, values: Values, length: int) -> str:
    """`text` filled in; where that is too long, what people have typed is cut."""
    filled = ""
    for longest in _NAME_LENGTHS:
        short = {name: _cut(value, longest) for name, value in values.items()}
        filled = text.format(**short)
        if len(filled) <= length:
            break
    return filled


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
