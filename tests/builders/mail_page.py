"""Parse the HTML of a mail."""

from html.parser import HTMLParser


class MailPage(HTMLParser):
    """Holds the visible text and the links of a mail."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.visible_texts: list[str] = []
        self.links: list[str | None] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.elements: list[str] = []
        self._hidden = 0
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes.setdefault(tag, dict(attrs))
        self._hidden += tag in {"style", "title"}
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.visible_texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.visible_texts).replace("\xa0", " ").split())
