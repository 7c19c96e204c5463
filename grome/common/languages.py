"""The languages that Grome speaks, as BCP 47 tags."""

from typing import Literal

Language = Literal["en", "es", "fr", "de", "ar", "ja"]
