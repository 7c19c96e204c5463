"""The figures of other sections, read from the tables of benchmarks/README.md."""

import re
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from benchmarks.report import README

_NUMBER: Final = re.compile(r"[\d,]+(\.\d+)?")
_NEARBY: Final = "Nearby: Hot spots, default limit of 20"
_CPU: Final = "server CPU µs/request"
_MEMORY: Final = "Memory of a worker in MiB"
_BARBERS: Final = 20_000
# "Before it, … the median answer had 13,769 bytes."
_ANSWER_BYTES: Final = 13_769


class Rates(Struct, frozen=True, kw_only=True):
    """CPU time and memory of the parts of an API process."""

    search_us: float
    read_us: float
    slots_ms: float
    frame_us: float
    socket_kb: float
    worker_mib: float
    map_kib: float
    """Of a barber on the map of one worker."""
    search_bytes: float = _ANSWER_BYTES

    @classmethod
    def from_readme(cls, readme: Path = README) -> Self:
        """Raises LookupError if a table lacks a figure."""
        text = readme.read_text(encoding="utf-8")
        started = read_cell(text, _MEMORY, "Grome worker, started", "RSS")
        full = read_cell(text, _MEMORY, f"the same, 5 cities with {_BARBERS:,} barbers asked for", "RSS")
        return cls(
            search_us=read_cell(text, _NEARBY, "Grome, protocol fast path (default)", _CPU),
            read_us=read_cell(text, _NEARBY, "Grome, ordinary route", _CPU),
            slots_ms=read_cell(text, "Free times", "a month of one barber, remembered", "Python, p50 ms"),
            frame_us=read_cell(text, "Live: one room with many sockets", "Grome", "CPU µs a frame"),
            socket_kb=read_cell(text, "Live: figures to reach", "kB (RSS) for each socket", "median (min to max)"),
            worker_mib=started,
            map_kib=(full - started) * 1_024 / _BARBERS,
        )


def read_cell(text: str, title: str, row: str, column: str) -> float:
    """Return the first number of a cell of the table with this title. Raises LookupError if there is none."""
    _, found, rest = text.partition(f"**{title}**")
    lines = [line for line in rest.partition("**")[0].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    for named, *values in cells:
        if found and named == row:
            for header, value in zip(cells[0][1:], values, strict=True):
                if header == column and (number := _NUMBER.match(value)):
                    return float(number[0].replace(",", ""))
    raise LookupError(f"benchmarks/README.md has no figure {column!r} of {row!r} in {title!r}")
