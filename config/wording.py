"""Says in words which values a setting takes."""

import difflib
from typing import Literal, get_args, get_origin

from msgspec import Meta

from config.settings import SettingField


def requirement(leaf: SettingField, text: str) -> str:
    """Return a sentence about the values that the setting takes; `text` is the refused value."""
    kind, meta = get_args(leaf.type)
    if form := (meta.extra or {}).get("form"):
        return f"It must be {form}."
    if get_origin(kind) is Literal:
        return _choice([str(value) for value in get_args(kind)], text)
    if kind is bool:
        return "It must be true or false."
    if kind in (int, float):
        return f"It must be {_number(kind, meta)}."
    return (
        f"It must have {meta.min_length} characters or more." if (meta.min_length or 0) > 1 else "It must not be empty."
    )


def _choice(values: list[str], text: str) -> str:
    near = difflib.get_close_matches(text.casefold(), [value.casefold() for value in values], n=1)
    hint = next((f" Did you mean {value}?" for value in values if [value.casefold()] == near), "")
    return f"It must be {', '.join(values[:-1])} or {values[-1]}.{hint}"


def _number(kind: type, meta: Meta) -> str:
    noun = "a whole number" if kind is int else "a number"
    return (
        f"{noun} above {meta.gt}, {meta.le} at most" if meta.gt is not None else f"{noun} from {meta.ge} to {meta.le}"
    )
