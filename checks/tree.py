"""Read the modules of the product and their imports, without running any of them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_TOPS: Final = ("config", "grome", "workers")


@dataclass(frozen=True)
class Import:
    """A statement anywhere in a module: inside functions and under TYPE_CHECKING too."""

    module: str
    imported: str
    path: str
    line: int


@dataclass(frozen=True)
class Tree:
    root: Path = ROOT

    @cached_property
    def modules(self) -> dict[str, Path]:
        paths = [path for top in _TOPS for path in sorted((self.root / top).rglob("*.py"))]
        return {_module(path.relative_to(self.root)): path for path in paths}

    @cached_property
    def imports(self) -> list[Import]:
        """Imports of every module, and its reads of the process's environment as imports of `os.environ`."""
        return [
            Import(module, imported, str(path.relative_to(self.root)), getattr(node, "lineno", 0))
            for module, path in self.modules.items()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for imported in self._imported(node, _package(module, path))
        ]

    @cached_property
    def graph(self) -> dict[str, set[str]]:
        """Every module with the modules of this tree that it imports."""
        graph: dict[str, set[str]] = {module: set() for module in self.modules}
        for each in self.imports:
            if each.imported in self.modules:
                graph[each.module].add(each.imported)
        return graph

    def _imported(self, node: ast.AST, package: str) -> Iterator[str]:
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(names=names):
                source = _source(node, package)
                for full in (f"{source}.{name.name}" for name in names):
                    yield full if full in self.modules or source == "os" else source
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "getenv" as read):
                yield f"os.{read}"


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _package(module: str, path: Path) -> str:
    return module if path.name == "__init__.py" else module.rpartition(".")[0]


def _source(node: ast.ImportFrom, package: str) -> str:
    """Return the full name of the module that is imported from, also for `from . import x`."""
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    return ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [node.module])])
