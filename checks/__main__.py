"""`python -m checks`: print what breaks the rules of structure and language; exit code 1 if anything does."""

import sys
from collections.abc import Iterator

import click

from checks.findings import Finding, listed
from checks.imports import against_rules, against_tiers, circles, knots, package_graph
from checks.tiers import RULES, TIERS
from checks.tree import Tree


@click.command()
@click.option("--limit", default=40, show_default=True, help="Number of findings of each rule that are printed.")
def main(limit: int) -> None:
    tree = Tree()
    found = {*against_tiers(tree, TIERS), *against_rules(tree, RULES), *circles(tree)}
    for line in (*listed(found, limit), "", *_figures(tree, found)):
        click.echo(line)
    sys.exit(1 if found else 0)


def _figures(tree: Tree, found: set[Finding]) -> Iterator[str]:
    largest = [max(map(len, knots(package_graph(tree, without))), default=1) for without in ((), TIERS.roles)]
    yield "packages in the largest knot: {}, without routes and jobs: {}".format(*largest)
    yield f"files in circles: {sum(map(len, knots(tree.graph)))}"
    yield f"findings about imports: {len(found)}"


if __name__ == "__main__":
    main()
