"""`python -m checks` reports sentences that break the rules of language, at their line, and no others."""

from pathlib import Path

import pytest

from checks.language import against_language, words_in
from checks.prose import Kind, Passage, comments, docstrings, markdown, passages

QUESTION_WORD = "docstring sentence with a question word"
LONG = "docstring with a first sentence of over 20 words"
STAND_INS = "sentence with several stand-ins for a name"
BEGINS = "sentence that begins with a question word"
TWENTY_WORDS = "Read the bookings of a barber on one date, in order of their start, and leave out all past bookings"


def rules(kind: Kind, text: str) -> list[str]:
    return [finding.rule for _, finding in against_language([Passage(kind, "a.py", 1, text)])]


@pytest.mark.parametrize(
    "text",
    [
        "Who comes alone goes alone.",
        "Whoever asks is answered.",
        "What a search over many barbers asks.",
        "Whatever it is.",
        "Whose turn it is.",
        "Return the barber whose calendar is read.",
        "Notify the customers for whom it is late.",
        "Say what follows.",
        "Read the head.\n\nIt says who may call.",
        "A name such as `who` in code is no exception.",
    ],
)
def test_question_word_in_a_docstring_is_reported(text: str) -> None:
    assert rules(Kind.DOCSTRING, text) == [QUESTION_WORD]


@pytest.mark.parametrize(
    "text",
    [
        "Return the barber that the customer has booked.",
        "Raises SlotTaken if the time is taken.",
        "The whole whatnot.",
        "Which services are offered.",
    ],
)
def test_docstring_without_question_word_is_not_reported(text: str) -> None:
    assert rules(Kind.DOCSTRING, text) == []


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (f"{TWENTY_WORDS}.", []),
        (f"{TWENTY_WORDS} late.", [LONG]),
        (f"{TWENTY_WORDS}\n    late.", [LONG]),
        (f"{TWENTY_WORDS} `by a barber`.", [LONG]),
        (f"{TWENTY_WORDS} -- .", []),
        (f"Short. {TWENTY_WORDS} late.", []),
        (f"Short\n\n{TWENTY_WORDS} late.", []),
    ],
)
def test_docstring_with_a_first_sentence_over_20_words_is_reported(text: str, reported: list[str]) -> None:
    assert rules(Kind.DOCSTRING, text) == reported


def test_word_count_takes_code_as_one_word_and_ignores_punctuation() -> None:
    assert words_in("Return `GET /v1/me`'s answer - or None (`404 not_found`).") == 6


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "text",
    [
        "Those of today go before those of tomorrow.",
        "An entry such as one of an action is passed over.",
        "The former two hear of it, the latter two do not.",
        "One thing leads to others, and those to none.",
        "Old ones are kept, new ones are not.",
    ],
)
def test_sentence_with_several_stand_ins_is_reported(kind: Kind, text: str) -> None:
    assert rules(kind, text) == [f"{kind.value} {STAND_INS}"]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "text",
    [
        "One insert claims both seats, one update frees them.",
        "Those bookings are read in one go.",
        "Such errors have one code. Those of a day are counted.",
        "Somebody has done nothing.",
    ],
)
def test_sentence_with_counted_or_named_things_is_not_reported(kind: Kind, text: str) -> None:
    assert rules(kind, text) == []


@pytest.mark.parametrize("kind", [Kind.COMMENT, Kind.MARKDOWN])
@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("What is sent becomes a job.", True),
        ("The log is read. Who cancels late pays.", True),
        ("**What follows.** A job is added.", True),
        ("- whose turn it is", True),
        ("The barber whose calendar is read.", False),
        ("What happens if Valkey is away?", False),
        ("Whole hours count.", False),
    ],
)
def test_sentence_that_begins_with_a_question_word_is_reported(kind: Kind, text: str, *, reported: bool) -> None:
    assert rules(kind, text) == [f"{kind.value} {BEGINS}"] * reported


SOURCE = '''"""Module.

Second sentence of it. Third
sentence, e.g. this.

- first item
- second item
"""

# A comment
# of two lines.
import os  # beside code

# noqa: S101 -- the reason
x = 1  # type: ignore[misc]
# type of a booking


class A:
    """Class."""

    async def f(self):
        """Function."""
        return "# no comment", """no docstring"""
'''


def test_docstrings_are_divided_into_sentences_with_their_lines() -> None:
    assert [sentence for passage in docstrings(SOURCE, "a.py") for sentence in passage.sentences()] == [
        (1, "Module."),
        (3, "Second sentence of it."),
        (3, "Third sentence, e.g. this."),
        (6, "first item"),
        (7, "second item"),
        (20, "Class."),
        (23, "Function."),
    ]


def test_docstring_of_a_field_is_read_at_its_line() -> None:
    source = (
        'class Tip:\n    amount: int = 0\n    """In minor units."""\n    note: str\n    "To the barber."\n    x = 1\n'
    )
    assert [(each.kind, each.line, each.text) for each in docstrings(source, "a.py")] == [
        (Kind.DOCSTRING, 3, "In minor units."),
        (Kind.DOCSTRING, 5, "To the barber."),
    ]


def test_adjacent_comments_are_joined_and_directives_are_ignored() -> None:
    assert [(comment.line, comment.text) for comment in comments(SOURCE, "a.py")] == [
        (10, "A comment\nof two lines."),
        (12, "beside code"),
        (14, "the reason"),
        (15, ""),
        (16, "type of a booking"),
    ]


def test_markdown_is_read_without_code_and_links() -> None:
    source = """# What runs

A [word](https://example.org/who) of
two lines. A second sentence.
```
what = who
```
| table | cell |
|---|---|
- an item
1. a numbered item
"""
    assert [sentence for passage in markdown(source, "a.md") for sentence in passage.sentences()] == [
        (1, "What runs"),
        (3, "A word of two lines."),
        (4, "A second sentence."),
        (8, "table"),
        (8, "cell"),
        (9, "---"),
        (9, "---"),
        (10, "an item"),
        (11, "a numbered item"),
    ]


def test_passages_cover_all_prose_of_the_project(tmp_path: Path) -> None:
    files = {
        "grome/a.py": '"""Docstring."""',
        "tests/b/test_c.py": "# Comment",
        "docs/features/messages/shoot.py": '"""Docstring."""',
        "docs/decisions/0001-a.md": "Paragraph",
        "README.md": "Paragraph",
        "requirements/dev.txt": "what",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert {passage.path for passage in passages(tmp_path)} == files.keys() - {"requirements/dev.txt"}
