"""Patterns of text as clients send it."""

from typing import Final

# Python's `$` alone also matches before a final newline, which would make "EUR\n" a currency. In JSON Schema `$` is the
# end and nothing else, so the OpenAPI document has it without the lookahead, which many other engines refuse.
END: Final = r"$(?!\n)"
ONE_LINE: Final = r"^[^\x00-\x1f\x7f]+" + END
