"""How one reader is told of times, prices and names."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale

from grome.common import formats
from grome.common.languages import Language
from grome.notifications.translations import WORDING, Wording
from grome.notifications.user_text import Typed, typed


@dataclass(frozen=True, slots=True)
class Reader:
    """`zone` is where the reader's clocks stand."""

    language: Language
    zone: ZoneInfo

    @property
    def wording(self) -> Wording:
        return WORDING[self.language]

    @property
    def locale(self) -> Locale:
        return Locale.parse(self.language)

    @property
    def rtl(self) -> bool:
        return self.locale.text_direction == "rtl"

    def typed(self, text: str) -> Typed:
        return typed(text, rtl=self.rtl)

    def price(self, amount: int, currency: str) -> str:
        return formats.price(amount, currency, self.locale)

    def date(self, wall: datetime) -> str:
        return formats.long_date(wall, self.locale)

    def day(self, wall: datetime) -> str:
        return formats.short_date(wall, self.locale)

    def time(self, wall: datetime) -> str:
        """For a sentence; a zone that needs to be told is told in figures, which are short."""
        shown = self.wording.words.clock.format(time=formats.clock(wall, self.locale))
        return self._in_figures(shown, wall) if formats.needs_zone(wall, self.zone) else shown

    def moment(self, wall: datetime) -> str:
        """Day and time, as short as in a sentence."""
        return self.wording.words.moment.format(day=self.day(wall), time=self.time(wall))

    def minutes(self, count: int) -> str:
        return formats.minutes(count, self.locale)

    def times(self, start: datetime, end: datetime) -> str:
        """For a table, where a zone that needs to be told is told by its name."""
        words = self.wording.words
        begins, ends = formats.clock(start, self.locale), formats.clock(end, self.locale)
        if start.utcoffset() != end.utcoffset():  # the clocks are changed in between
            return words.clock_range.format(start=self._in_figures(begins, start), end=self._in_figures(ends, end))
        shown = words.clock_range.format(start=begins, end=ends) if start != end else words.clock.format(time=begins)
        if not formats.needs_zone(start, self.zone):
            return shown
        return words.in_zone.format(time=shown, zone=formats.zone_name(start, self.locale))

    def _in_figures(self, shown: str, wall: datetime) -> str:
        return self.wording.words.in_zone.format(time=shown, zone=formats.zone_offset(wall, self.locale))
