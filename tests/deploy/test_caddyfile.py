"""The Caddyfile of compose: in a site, Caddy asks `handle` blocks before other directives, in any order of lines."""

import re

from checks.tree import ROOT

CADDYFILE = (ROOT / "deploy/compose/Caddyfile").read_text()


def test_site_with_handle_blocks_has_no_answer_beside_them() -> None:
    sites = re.findall(r"^\{\$\w+:[^}]+\} \{\n(.*?)^\}", CADDYFILE, re.DOTALL | re.MULTILINE)
    directives = [re.findall(r"^\t(@?\w+)", site, re.MULTILINE) for site in sites]
    assert len(sites) == 4
    for names in directives:
        assert "handle" not in names or {name for name in names if not name.startswith("@")} == {"handle"}


def test_metrics_are_refused_at_the_front() -> None:
    assert re.search(r"\thandle /metrics \{\n\t\trespond 404\n", CADDYFILE)
