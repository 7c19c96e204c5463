"""The two kinds of tables: tiers of packages, and rules about single modules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

Groups = tuple[tuple[str, ...], ...]
Patterns = tuple[str, ...]


@dataclass(frozen=True)
class Tiers:
    """Groups of packages, lowest first. A package imports only packages of lower groups, and none of its own group.

    Packages are named from `grome` on (`bookings`, `infrastructure.http`), those beside it by their full name. `doors`
    are the modules that features may import of lower features, `doors_of` adds some of single features.
    """

    foundation: Groups
    features: Groups
    entrances: Groups
    doors: frozenset[str] = frozenset()
    doors_of: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def levels(self) -> dict[str, int]:
        groups = (*self.foundation, *self.features, *self.entrances)
        return {package: level for level, group in enumerate(groups) for package in group}

    def home_of(self, module: str) -> str | None:
        """Return the package that holds the module; None if the tables do not name it."""
        parts = module.removeprefix("grome.").split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((name for name in names if name in self.levels), None)

    def is_feature(self, package: str) -> bool:
        return any(package in group for group in self.features)

    def is_door(self, module: str, package: str) -> bool:
        name = module.removeprefix(f"grome.{package}").removeprefix(".")
        return not name or name in self.doors | self.doors_of.get(package, frozenset())


@dataclass(frozen=True)
class Rule:
    """Forbids modules that match `of` to import modules that match `never`.

    `but` exempts modules, and `save` allows imports. In `save`, `{own}` is the package of the module that imports.
    """

    says: str
    of: Patterns
    never: Patterns
    save: Patterns = ()
    but: Patterns = ()

    def __str__(self) -> str:
        return self.says

    def forbids(self, module: str, imported: str) -> bool:
        own = module.rpartition(".")[0]
        save = tuple(pattern.format(own=own) for pattern in self.save)
        return self.speaks_of(module) and _matches(imported, self.never) and not _matches(imported, save)

    def speaks_of(self, module: str) -> bool:
        return _matches(module, self.of) and not _matches(module, self.but)


def _matches(name: str, patterns: Patterns) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
