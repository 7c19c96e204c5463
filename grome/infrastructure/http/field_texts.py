"""Read the docstrings of a Struct's fields: a string literal on the line under the field describes the field.

Python drops these strings, so they are read from the source of the class, which a wheel contains too.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from msgspec import Struct


@cache
def field_texts(struct: type[Struct]) -> dict[str, str]:
    """Return the descriptions of the fields by their Python names. A class's own text wins over its base's."""
    texts: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if base is not Struct and issubclass(base, Struct):
            texts |= _texts_of_module(base.__module__).get(base.__qualname__, {})
    return texts


@cache
def _texts_of_module(name: str) -> dict[str, dict[str, str]]:
    """Return the texts of all classes of the module; empty where the source is not at hand."""
    try:
        source = inspect.getsource(sys.modules[name])
    except OSError:
        return {}
    return dict(_texts_of_classes(ast.parse(source).body, ""))


def _texts_of_classes(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, dict[str, str]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name, dict(_texts_of_fields(node.body))
            yield from _texts_of_classes(node.body, f"{prefix}{node.name}.")


def _texts_of_fields(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as words)),
            ):
                yield name, " ".join(words.split())
