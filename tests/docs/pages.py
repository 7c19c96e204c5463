"""Read the documentation pages."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "grome" / "api_docs" / "guide.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), GUIDE]
_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block; `before` is the text between it and the block before."""

    kind: str
    content: str
    before: str


def blocks(text: str) -> list[Block]:
    found, end = [], 0
    for match in _FENCED.finditer(text):
        found.append(Block(match[1], match[2], text[end : match.start()]))
        end = match.end()
    return found


def section(page: Path, title: str) -> str:
    """From a heading of the second level to the next one."""
    _, _, rest = page.read_text().partition(f"\n## {title}\n")
    assert rest, f"{page.name} has no section `{title}`"
    return rest.partition("\n## ")[0]


def prose(page: Path) -> str:
    """Without the fenced blocks."""
    return _FENCED.sub("", page.read_text())
