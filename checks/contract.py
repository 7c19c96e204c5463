"""Save the contract of this tree, or compare two saved contracts.

The contract is the OpenAPI document, and the options and indexes of every MongoDB collection as the migrations leave
them. A refactoring may change its texts and nothing else.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from pymongo import MongoClient
from pymongo.database import Database

from grome.dev.embedded import embedded_servers

_TEXTS: Final = frozenset({"summary", "description", "title", "example"})
_ABSENT: Final = "(absent)"
_DATABASE: Final = "contract"
Document = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    path: tuple[str, ...]
    old: Any
    new: Any

    @property
    def is_text(self) -> bool:
        """True for a text or examples of the OpenAPI document, also if one of the two documents has none."""
        *parents, name = self.path
        is_documentation = name == "examples" or (
            name in _TEXTS and isinstance(self.old, str) and isinstance(self.new, str)
        )
        return is_documentation and parents[:1] == ["openapi"] and parents[-1] != "properties"

    def __str__(self) -> str:
        return f"{' > '.join(self.path)}\n  - {_shown(self.old)}\n  + {_shown(self.new)}"


def _shown(value: Any) -> str:  # noqa: ANN401 -- any JSON
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def differences(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:  # noqa: ANN401 -- any JSON
    """Yield the smallest parts that differ: members of objects by name, items of arrays by position."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from differences(old.get(name, _ABSENT), new.get(name, _ABSENT), (*path, name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for position, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, (*path, str(position)))
    elif old != new:
        yield Difference(path, old, new)


def current() -> dict[str, Any]:
    """Read the contract of this tree, from its own command line and an empty database that it migrates."""
    return {"openapi": json.loads(_grome("openapi")), "collections": _migrated()}


def _migrated() -> dict[str, Any]:
    with TemporaryDirectory() as home, embedded_servers(Path(home)) as servers:
        _grome(
            "migrate",
            GROME_ENV="test",
            GROME_HOME=home,
            GROME_MONGO_URL=str(servers.mongo_url),
            GROME_MONGO_DATABASE=_DATABASE,
            GROME_REDIS_URL=str(servers.redis_url),
        )
        with MongoClient[Document](servers.mongo_url) as client:
            return collections_of(client[_DATABASE])


def collections_of(database: Database[Document]) -> dict[str, Any]:
    """Return the options of each collection, of which the validator is one, and its indexes by name."""
    return {
        collection["name"]: {
            "options": collection["options"],
            "indexes": {index["name"]: dict(index) for index in database[collection["name"]].list_indexes()},
        }
        for collection in database.list_collections()
    }


def _grome(command: str, **environment: str) -> str:
    """Return the output of one of this tree's commands."""
    return subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-m", "grome", command],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


@click.command()
@click.option(
    "--save", type=click.Path(path_type=Path, dir_okay=False), help="Write this tree's contract to this file."
)
@click.argument("saved", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="[OLD NEW]")
def main(save: Path | None, saved: tuple[Path, ...]) -> None:
    """Compare the contracts OLD and NEW; exit code 1 if anything but texts differs."""
    match save, saved:
        case Path(), ():
            save.write_text(json.dumps(current(), indent=1))
        case None, (before, after):
            sys.exit(report(json.loads(before.read_text()), json.loads(after.read_text())))
        case _:
            raise click.UsageError("Give either --save FILE or two files.")


def report(old: Any, new: Any) -> int:  # noqa: ANN401 -- any JSON
    """Print the texts that differ, then everything else that does; returns the exit code."""
    found = list(differences(old, new))
    others = [difference for difference in found if not difference.is_text]
    for heading, part in (("Texts", [each for each in found if each.is_text]), ("Everything else", others)):
        click.echo(f"{heading}: {len(part)} differences")
        for difference in part:
            click.echo(str(difference))
    return 1 if others else 0


if __name__ == "__main__":
    main()
