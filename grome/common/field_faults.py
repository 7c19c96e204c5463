"""Words of input faults. Each is made here from its kind and parameters, so that a translation replaces one table.

The words follow the name of a field: "email" "is not an e-mail address". A pattern has its words beside it:
`Meta(pattern="^[A-Z]{2}$", extra={FAULT: "is not a country of two letters, such as DE"})`.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum
from typing import Final

FAULT: Final = "fault"
MAX_FAULTS: Final = 20
MAX_SUGGESTIONS: Final = 5  # because comparing names costs more than all else
_MAX_NAME: Final = 60
_MAX_CHOICES: Final = 20
_MAX_NAME_TO_COMPARE: Final = 30


class FaultKind(Enum):
    """A kind of fault: its words, with its parameters in braces; after `|` the words for any count but 1."""

    REQUIRED = "is required"
    UNKNOWN = "is not a known field"
    UNKNOWN_BUT_NEAR = "is not a known field; did you mean {near}?"
    NULL = "must not be null"
    WRONG_TYPE = "is not {expected}"
    NO_CHOICE = "is not one of: {choices}"
    EMPTY = "is empty"
    TOO_SHORT = "is shorter than {count} character|is shorter than {count} characters"
    TOO_LONG = "is longer than {count} character|is longer than {count} characters"
    INVISIBLE = "has no visible character"
    TOO_FEW = "has fewer than {count} item|has fewer than {count} items"
    TOO_MANY = "has more than {count} item|has more than {count} items"
    OTHER_COUNT = "does not have exactly {count} item|does not have exactly {count} items"
    TOO_SMALL = "is less than {bound}"
    TOO_LARGE = "is more than {bound}"
    NOT_ABOVE = "is not more than {bound}"
    NOT_BELOW = "is not less than {bound}"
    NO_MULTIPLE = "is not a multiple of {step}"
    NOT_FINITE = "is not a finite number"
    NO_ZONE = "has no time zone; write the time as 2026-12-01T08:00:00Z or 2026-12-01T09:00:00+01:00"
    OUT_OF_LIMITS = "lies outside the limits of this field"
    REPEATED = "is given more than once"
    NOT_UTF8 = "is not UTF-8"
    NAME_NOT_UTF8 = "has a field whose name is not UTF-8"
    NO_KEY = "is not 1 to {count} printable ASCII characters"
    NOT_JSON = "is not valid JSON from byte {byte} on"
    TOO_DEEP = "is nested too deeply"
    CUT_SHORT = "is not complete JSON"
    UNREADABLE = "is not valid JSON"


class Expected(Enum):
    """A type of the input, as the words WRONG_TYPE name it."""

    TEXT = "text"
    WHOLE_NUMBER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    LIST = "a list"
    OBJECT = "an object"
    ID = "an id (UUID)"
    TIME = "a time (RFC 3339), such as 2026-12-01T08:00:00Z"
    DATE = "a date, such as 2026-12-01"


def words(kind: FaultKind, **parameters: object) -> str:
    """Return the message of a fault."""
    one, _, other = kind.value.partition("|")
    return (other if other and parameters["count"] != 1 else one).format_map(parameters)


def wrong_type(expected: Iterable[Expected]) -> str:
    """Return the message for a value of another type than the types that the field takes."""
    return words(FaultKind.WRONG_TYPE, expected=" or ".join(kind.value for kind in dict.fromkeys(expected)))


def no_choice(choices: Iterable[object]) -> str:
    """Return the message for a value that is not in a fixed list; a long list is cut."""
    shown = [str(choice) for choice in choices]
    cut = [*shown[:_MAX_CHOICES], "…"] if len(shown) > _MAX_CHOICES else shown
    return words(FaultKind.NO_CHOICE, choices=", ".join(cut))


def unknown_field(name: str, known: Iterable[str]) -> str:
    """Return the message for a field that does not exist, with a known name that is spelt nearly the same."""
    near = _near(name, known) if len(name) <= _MAX_NAME_TO_COMPARE else None
    return words(FaultKind.UNKNOWN_BUT_NEAR, near=near) if near else words(FaultKind.UNKNOWN)


def path_of(parent: str, name: str) -> str:
    """Return the path of a member, `parent.name`; a long name of the client's is cut."""
    shown = (name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + "…") or '""'
    return f"{parent}.{shown}" if parent else shown


def _near(name: str, known: Iterable[str]) -> str | None:
    """`displayName` and `display-name` are near `display_name`, and so is a name with a typing mistake."""
    by_letters = {_letters(each): each for each in known}
    if found := by_letters.get(_letters(name)):
        return found
    matches = get_close_matches(_letters(name), by_letters, n=1, cutoff=0.75)
    return by_letters[matches[0]] if matches else None


def _letters(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
