"""`grome doctor`: a verdict, the state of all dependencies, and the settings."""

import os
import sys
from collections.abc import Iterator, Sequence

import click

from config.loading import load_settings, setting_sources
from config.settings import Settings
from grome.cli.bootstrap import with_keys
from grome.cli.findings import Finding, find_all
from grome.cli.main import EXIT_FAULT
from grome.cli.setting_lines import SettingLine, setting_lines


@click.command()
@click.option("--all", "every", is_flag=True, help="Also show settings that have their defaults, with descriptions.")
def doctor(*, every: bool) -> None:
    """Check settings and servers, and name each fault.

    Shows faults first, then servers with their versions, then the settings that differ from their defaults, each with
    its source. Exit code 2 if there is a fault.
    """
    settings = with_keys(load_settings(os.environ))
    findings = find_all(settings)
    for line in report(settings, findings, every=every):
        click.echo(line)
    sys.exit(0 if all(finding.ok for finding in findings) else EXIT_FAULT)


def report(settings: Settings, findings: Sequence[Finding], *, every: bool) -> Iterator[str]:
    """Build the lines, the verdict first. No line is cut or folded."""
    faults = [finding for finding in findings if not finding.ok]
    yield _verdict(faults)
    yield from _finding_lines(faults)
    yield ""
    yield "Dependencies"
    yield from _finding_lines([finding for finding in findings if finding.ok])
    yield ""
    lines = list(setting_lines(settings, setting_sources(os.environ)))
    shown = [line for line in lines if every or not line.is_default]
    rest = "" if every else f" ({len(shown)} of {len(lines)}; --all shows the rest)"
    yield f"{'Settings' if every else 'Settings that differ from their defaults'}{rest}"
    for line in shown:
        yield from _setting(line, described=every)


def _verdict(faults: Sequence[Finding]) -> str:
    if faults:
        return click.style(f"Not ready: {len(faults)} {'fault' if len(faults) == 1 else 'faults'}.", fg="red")
    return click.style("Ready: nothing is missing.", fg="green")


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    width = max((len(finding.subject) for finding in findings), default=0)
    for finding in findings:
        mark = click.style("ok", fg="green") if finding.ok else click.style("no", fg="red")
        yield f"  {mark}  {finding.subject:{width}}  {finding.text}"


def _setting(line: SettingLine, *, described: bool) -> Iterator[str]:
    yield f"  {line.variable} = {line.value}  [{line.source}]"
    if described:
        yield f"      {line.description}"
