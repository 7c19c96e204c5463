"""Report sentences that break the rules of language, as far as a program can see it.

A docstring has no question word, which hides the class, the function or the user that a sentence is about, and its
first sentence has at most 20 words. Sentences of comments and Markdown do not begin with a question word, except
questions. No sentence has two stand-ins, words that point at a thing without its name.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from checks.findings import Finding
from checks.prose import Kind, Passage

FIRST_SENTENCE_WORDS: Final = 20
STAND_INS: Final = 1

_QUESTION_WORD = re.compile(r"\b(?:who|whoever|whose|whom|what|whatever)\b", re.IGNORECASE)
# A word of `_STAND_IN` before these words, or at the end of a clause, has no noun beside it.
_NO_NOUN = (
    "and|are|as|at|but|can|for|from|had|has|have|if|in|is|may|must|nor|of|on|or|than|that|to|until|was|were|when|where"
    "|which|while|who|whose|will|with|without|would"
)
_ALONE = rf"(?=\s*[^\w\s]|\s*$|\s+(?:{_NO_NOUN})\b)"
_STAND_IN = re.compile(rf"\b(?:(?:one|those|such){_ALONE}|(?:ones|former|latter|things?|stuff)\b)", re.IGNORECASE)
_CODE = re.compile(r"`[^`]*`")
_LETTER = re.compile(r"\w")


def against_language(passages: Iterable[Passage]) -> Iterator[tuple[Passage, Finding]]:
    """Yield each finding with the passage that it is in."""
    for passage in passages:
        for position, (line, sentence) in enumerate(passage.sentences()):
            for rule in _broken(passage.kind, sentence, is_first=position == 0):
                yield passage, Finding(rule, passage.path, line, sentence)


def _broken(kind: Kind, sentence: str, *, is_first: bool) -> Iterator[str]:
    if len(_STAND_IN.findall(sentence)) > STAND_INS:
        yield f"{kind.value} sentence with several stand-ins for a name"
    if kind is Kind.DOCSTRING:
        if _QUESTION_WORD.search(sentence):
            yield "docstring sentence with a question word"
        if is_first and words_in(sentence) > FIRST_SENTENCE_WORDS:
            yield f"docstring with a first sentence of over {FIRST_SENTENCE_WORDS} words"
    elif _QUESTION_WORD.match(sentence.lstrip("*_(\"'")) and not sentence.endswith("?"):
        yield f"{kind.value} sentence that begins with a question word"


def words_in(sentence: str) -> int:
    """Count the words; code in backticks is one, punctuation between spaces none."""
    return sum(bool(_LETTER.search(word)) for word in _CODE.sub("code", sentence).split())
