"""List the languages of Grome, and load the texts of each from `grome/texts/<language>/`.

To add a language, add its tag here and a folder with the same files.
"""

from importlib.resources import files
from typing import Final, Literal, TypeVar, get_args

from babel import Locale
from msgspec import toml

Language = Literal["en", "es", "fr", "de", "ar", "ja"]  # BCP 47
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

T = TypeVar("T")


def load_texts(name: str, text_type: type[T]) -> dict[Language, T]:
    """Decode `<name>.toml` of every language. Raises ValidationError if a text is missing or unknown."""
    folder = files("grome").joinpath("texts")
    return {
        language: toml.decode(folder.joinpath(language, f"{name}.toml").read_bytes(), type=text_type)
        for language in LANGUAGES
    }


def text_direction(language: Language) -> str:
    """Return `ltr` or `rtl`."""
    return str(Locale.parse(language).text_direction)
