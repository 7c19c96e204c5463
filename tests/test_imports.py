"""Imports run one way. The rules are the table below; what they are for is told in docs/architecture.md."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
Patterns = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Modules that match `of`, except those in `but`, import none that match `never`, except those in `save`.

    `{own}` stands for the package of the module that imports.
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
        save = [pattern.format(own=own) for pattern in self.save]
        return self.speaks_of(module) and _matches(imported, self.never) and not _matches(imported, save)

    def speaks_of(self, module: str) -> bool:
        return _matches(module, self.of) and not _matches(module, self.but)


OURS = ("grome*", "workers*", "config*")
SHARED = ("grome.common*", "grome.infrastructure*")
# The one decision about free time, and what it is made of.
FREE_TIME = ("grome.scheduling*",)
RULES = [
    Rule("workers build on grome; only what starts processes knows them", ("grome*", "config*"), ("workers*",),
         but=("grome.cli.main", "grome.cli.serving")),
    Rule("settings know nothing of what they set", ("config*",), ("grome*", "workers*")),
    Rule("what features share knows no feature", ("grome.common*",), OURS, save=("config*", *SHARED),
         but=("grome.common.geo",)),
    Rule("the embedded servers stand alone", ("grome.dev.embedded*",), OURS, save=("grome.dev.embedded*",)),
    Rule("errors know what features share", ("grome.*.errors",), OURS, save=SHARED),
    Rule("models know models", ("grome.*.models",), OURS, save=("grome.*.models", *SHARED)),
    Rule("pure rules know models",
         (*FREE_TIME, "grome.bookings.cancellation_policy", "grome.bookings.figures", "grome.bookings.windows",
          "grome.notifications.channel_rules", "grome.promos.rules"), OURS,
         save=("grome.*.models", "grome.*.errors", "grome.bookings.cancellation_policy", *FREE_TIME, *SHARED)),
    Rule("schemas know models", ("grome.*.schemas",), OURS,
         save=("grome.*.models", "grome.*.schemas", "grome.accounts.tokens", *SHARED)),
    Rule("a repository knows its own models and errors", ("grome.*.repository",), OURS,
         save=("{own}.models", "{own}.errors", *SHARED)),
    Rule("a repository is its own feature's alone", OURS, ("grome.*.repository",), save=("{own}.repository",),
         but=("grome.composition*", "grome.migrations.*", "grome.dev.demo.*")),
    Rule("routes and jobs go through services", ("grome.*.routes", "grome.*.jobs"), ("grome.*.repository",)),
    Rule("nobody but the application knows routes", OURS, ("grome.*.routes",), but=("grome.app",)),
    Rule("nobody but the workers knows jobs", OURS, ("grome.*.jobs",), but=("workers.registry",)),
    Rule("services are given what they need", ("grome.*.service", "grome.*.create", "grome.accounts.*"),
         ("grome.composition*", "grome.app"), but=("grome.*.routes",)),
    Rule("demo data stays out of the product", OURS, ("grome.dev.demo*",), but=("grome.cli.main", "grome.dev.demo*")),
    Rule("routes, and what serves them, know Sanic", OURS, ("sanic*",),
         but=("grome.*.routes", "grome.infrastructure.http*", "grome.app", "grome.composition*", "grome.cli.serving")),
    Rule("repositories know the driver", OURS, ("pymongo*", "bson*"),
         but=("grome.*.repository", "grome.infrastructure.mongo*", "grome.dev.embedded.mongod", "grome.cli.main")),
    Rule("settings come from the one typed tree", OURS, ("os.environ", "os.getenv"),
         but=("grome.cli.main", "grome.cli.bootstrap", "grome.cli.run", "grome.cli.doctor", "grome.dev.embedded.*")),
]  # fmt: skip


@dataclass(frozen=True)
class Import:
    module: str
    imported: str
    place: str


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_module(path): path for top in ("config", "grome", "workers") for path in (ROOT / top).rglob("*.py")}


def _imports() -> Iterator[Import]:
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            for imported in _imported(node):
                yield Import(module, imported, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")


def _imported(node: ast.AST) -> Iterator[str]:
    """Full names of the modules that are imported, and of what is read of the process's environment."""
    match node:
        case ast.Import(names=names):
            yield from (name.name for name in names)
        case ast.ImportFrom(module=str(module), names=names):
            for full in (f"{module}.{name.name}" for name in names):
                yield full if full in MODULES or module == "os" else module
        case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "getenv" as read):
            yield f"os.{read}"


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


IMPORTS = list(_imports())


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rule(rule: Rule) -> None:
    broken = [
        f"{one.place} imports {one.imported}: {rule}" for one in IMPORTS if rule.forbids(one.module, one.imported)
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rule_is_as_tight_as_it_can_be(rule: Rule) -> None:
    """What it speaks of is there, and each module that is excepted needs to be."""
    assert any(rule.speaks_of(module) for module in MODULES)
    for exception in rule.but:
        tighter = replace(rule, but=tuple(pattern for pattern in rule.but if pattern != exception))
        assert any(tighter.forbids(one.module, one.imported) for one in IMPORTS), exception
