"""Patterns of text as clients send it."""

from typing import Final

# Python's `$` alone also matches before a final newline, which would make "EUR\n" a currency; `\Z` is not known to JSON
# Schema, and these patterns stand in the OpenAPI document too.
END: Final = r"$(?!\n)"
ONE_LINE: Final = r"^[^\x00-\x1f\x7f]+" + END
