"""`python -m checks`: report everything that breaks the rules of the house; exit code 1 if anything does."""

import sys
from collections.abc import Iterator

import click

from checks.compose import against_compose
from checks.findings import Finding, listed
from checks.imports import against_rules, against_tiers, circles, knots, package_graph
from checks.language import against_language
from checks.manifests import against_manifests
from checks.module_names import against_unique_names
from checks.prose import Kind, passages
from checks.tiers import RULES, TIERS
from checks.tree import Tree


@click.command()
@click.option(
    "--only", type=click.Choice(["imports", "language", "deploy", "tests"]), help="Leave out the other checks."
)
@click.option("--limit", default=40, show_default=True, help="Number of findings of each rule that are printed.")
def main(only: str | None, limit: int) -> None:
    """Print the findings of each rule, and figures of the whole tree; exit code 1 if there is a finding."""
    found: set[Finding] = set()
    figures: list[str] = []
    for name, check in (("imports", _imports), ("language", _language), ("deploy", _deploy), ("tests", _tests)):
        if only in (None, name):
            figures += check(found)
    for line in (*listed(found, limit), "", *figures):
        click.echo(line)
    sys.exit(1 if found else 0)


def _imports(found: set[Finding]) -> Iterator[str]:
    """Add the findings to `found`, and yield the figures."""
    tree = Tree()
    broken = {*against_tiers(tree, TIERS), *against_rules(tree, RULES), *circles(tree)}
    found |= broken
    yield f"packages in the largest knot: {max(map(len, knots(package_graph(tree))), default=1)}"
    yield f"files in circles: {sum(map(len, knots(tree.graph)))}"
    yield f"imports against the tables: {len(broken)}"


def _language(found: set[Finding]) -> Iterator[str]:
    """Add the findings to `found`, and yield the figures."""
    prose = list(passages())
    broken = list(against_language(prose))
    found |= {finding for _, finding in broken}
    for kind in Kind:
        every = sum(passage.kind is kind for passage in prose)
        flagged = len({passage for passage, _ in broken if passage.kind is kind})
        yield f"{kind.value} passages flagged: {flagged} of {every} ({flagged / every:.1%})"


def _deploy(found: set[Finding]) -> Iterator[str]:
    """Add the findings to `found`, and yield the figure."""
    broken = {*against_manifests(), *against_compose()}
    found |= broken
    yield f"manifests and services against the rules: {len(broken)}"


def _tests(found: set[Finding]) -> Iterator[str]:
    """Add the findings to `found`, and yield the figure."""
    broken = set(against_unique_names())
    found |= broken
    yield f"test modules with a name that is taken: {len(broken)}"


if __name__ == "__main__":
    main()
