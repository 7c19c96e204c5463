"""Report imports that break the tables of `checks/tiers.py`, and circles."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from checks.findings import Finding
from checks.rules import Rule, Tiers
from checks.tree import Import, Tree

Graph = Mapping[str, Collection[str]]


def against_tiers(tree: Tree, tiers: Tiers) -> Iterator[Finding]:
    """Report imports that do not go down or that pass a feature's doors, and packages missing from a table."""
    homes = {module: tiers.home_of(module) for module in tree.modules}
    for name in sorted(tiers.levels.keys() - homes.values()):
        yield Finding("tier without a package", "checks/tiers.py", 1, name)
    for module, home in homes.items():
        if home is None:
            yield Finding("package without a tier", _path(tree, module), 1, module)
    for each in tree.imports:
        importer, imported = homes[each.module], homes.get(each.imported)
        if importer is None or imported is None or importer == imported:
            continue
        drop = tiers.levels[importer] - tiers.levels[imported]
        if drop < 0:
            yield _finding("import that goes up", each)
        elif drop == 0:
            yield _finding("import that goes sideways", each)
        elif _both_features(tiers, importer, imported) and not tiers.is_door(each.imported, imported):
            yield _finding("import past the doors of a feature", each)


def _both_features(tiers: Tiers, *packages: str) -> bool:
    return all(tiers.is_feature(package) for package in packages)


def against_rules(tree: Tree, rules: Iterable[Rule]) -> Iterator[Finding]:
    for rule in rules:
        for each in tree.imports:
            if rule.forbids(each.module, each.imported):
                yield _finding(rule.says, each)


def circles(tree: Tree) -> Iterator[Finding]:
    for knot in knots(tree.graph):
        first, *others = sorted(knot)
        yield Finding("circle of files", _path(tree, first), 1, f"{first} and {', '.join(others)}")


def package_graph(tree: Tree) -> Graph:
    """Return the imports between folders and files directly under `grome/`, and the packages beside it."""
    graph: dict[str, set[str]] = {_top_package(module): set() for module in tree.modules}
    for module, imported in tree.graph.items():
        graph[_top_package(module)].update(_top_package(other) for other in imported)
    return graph


def knots(graph: Graph) -> list[frozenset[str]]:
    """Return the strongly connected components of two or more, the largest first."""
    reachable = {node: _reachable(graph, node) for node in graph}
    components = {frozenset(other for other in reachable[node] if node in reachable[other]) for node in graph}
    return sorted((knot for knot in components if len(knot) > 1), key=lambda knot: (-len(knot), sorted(knot)))


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = set(graph[ahead.pop()]) - found
        found |= new
        ahead += new
    return found


def _top_package(module: str) -> str:
    return ".".join(module.split(".")[:2]) if module.startswith("grome.") else module.split(".", maxsplit=1)[0]


def _path(tree: Tree, module: str) -> str:
    return str(tree.modules[module].relative_to(tree.root))


def _finding(rule: str, each: Import) -> Finding:
    return Finding(rule, each.path, each.line, f"imports {each.imported}")
