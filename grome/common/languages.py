"""List the languages of Grome, and load the texts of each from `grome/texts/<language>/`.

To add a language, add its tag here and a folder with the same files.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final, Literal, TypeVar, get_args

from babel import Locale
from msgspec import toml

Language = Literal["en", "es", "fr", "de", "ar", "ja"]  # BCP 47
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

T = TypeVar("T")


class Texts(Mapping[Language, T]):
    """Holds the `<name>.toml` of every language. A file is decoded when its language is first asked for.

    The first access raises ValidationError if a text is missing or unknown.
    """

    def __init__(self, name: str, text_type: type[T]) -> None:
        self._name, self._type = name, text_type
        self._decoded: dict[Language, T] = {}

    def __getitem__(self, language: Language) -> T:
        if language not in self._decoded:
            file = files("grome").joinpath("texts", language, f"{self._name}.toml")
            self._decoded[language] = toml.decode(file.read_bytes(), type=self._type)
        return self._decoded[language]

    def __iter__(self) -> Iterator[Language]:
        return iter(LANGUAGES)

    def __len__(self) -> int:
        return len(LANGUAGES)


def text_direction(language: Language) -> str:
    """Return `ltr` or `rtl`."""
    return str(Locale.parse(language).text_direction)
