"""Convert the wall-clock hours of a date to ticks, and compute the starts of a visit that the hours allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from grome.scheduling.models import DayHours
from grome.scheduling.tick_masks import every_nth, mask_of
from grome.scheduling.ticks import Span, wall_span


@dataclass(frozen=True, slots=True)
class Opening:
    """Holds the hours and breaks of one opening in ticks. The methods return masks of starts within a span."""

    hours: Span
    breaks: tuple[Span, ...]

    def joined_with(self, later: Sequence["Opening"], ticks: int) -> "Opening":
        """Return this opening together with the next ones that begin before it ends, or when it ends.

        `later` holds the openings of the next dates, in order. Openings that no visit of this length can reach are left
        out: a month around the clock would otherwise be joined anew for each of its dates.
        """
        end, breaks = self.hours.end, self.breaks
        for opening in later:
            if opening.hours.start > end or end >= self.hours.end + ticks:
                break
            end, breaks = max(end, opening.hours.end), breaks + opening.breaks
        return Opening(Span(self.hours.start, end), breaks) if end > self.hours.end else self

    def fitting_starts(self, ticks: int, within: Span) -> int:
        """Return the starts at which a visit of this length lies wholly in the opening."""
        return mask_of(Span(self.hours.start, self.hours.end - ticks + 1), within)

    def grid_starts(self, step: int, within: Span) -> int:
        """Return the starts on the grid: steps of elapsed time from the opening, regardless of clock changes."""
        return every_nth(self.hours, step, within)

    def starts_during_breaks(self, busy_spans: Sequence[Span], within: Span) -> int:
        """Return the starts at which a busy span would overlap a break; gaps may overlap breaks."""
        starts = 0
        for pause in self.breaks:
            for work in busy_spans:
                starts |= mask_of(Span(pause.start - work.end + 1, pause.end - work.start), within)
        return starts


# Cached, because it is most of the cost of deciding about a start. The cache takes about 4 MB when full.
@lru_cache(maxsize=4096)
def opening_on(hours: DayHours, day: date, timezone: ZoneInfo) -> Opening | None:
    """Return the opening that begins on a local date, or None if the shop is closed."""
    if not hours.is_available:
        return None
    breaks = (wall_span(minutes, day, timezone) for minutes in hours.break_minutes)
    return Opening(
        wall_span(hours.minutes, day, timezone),
        tuple(pause for pause in breaks if pause.start < pause.end),  # a clock change can empty a break
    )
