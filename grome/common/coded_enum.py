"""Define enumerations with a sentence for people beside each stable code."""

from enum import StrEnum
from typing import Self


class CodedEnum(StrEnum):
    """A member is written `NAME = "code", "Sentence."`; its value is the code."""

    _value_: str
    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member
