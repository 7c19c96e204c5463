"""Format times, prices and names for one reader."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale

from grome.common import formats
from grome.common.languages import Language
from grome.notifications.translations import TRANSLATIONS, Translations
from grome.notifications.user_text import UserText, clean_user_text


@dataclass(frozen=True, slots=True)
class Localizer:
    """Formats values for one reader. `zone` is the reader's time zone."""

    language: Language
    zone: ZoneInfo

    @property
    def translations(self) -> Translations:
        return TRANSLATIONS[self.language]

    @property
    def locale(self) -> Locale:
        return Locale.parse(self.language)

    @property
    def rtl(self) -> bool:
        return self.locale.text_direction == "rtl"

    def user_text(self, text: str) -> UserText:
        return clean_user_text(text, rtl=self.rtl)

    def price(self, amount: int, currency: str) -> str:
        return formats.price(amount, currency, self.locale)

    def date(self, wall: datetime) -> str:
        return formats.long_date(wall, self.locale)

    def day(self, wall: datetime) -> str:
        return formats.short_date(wall, self.locale)

    def time(self, wall: datetime) -> str:
        """Return a time for a sentence, with the UTC offset if the reader could mistake its zone."""
        shown = self.translations.words.clock.format(time=formats.clock(wall, self.locale))
        return self._with_offset(shown, wall) if formats.needs_zone(wall, self.zone) else shown

    def moment(self, wall: datetime) -> str:
        """Return day and time in the short form for a sentence."""
        return self.translations.words.moment.format(day=self.day(wall), time=self.time(wall))

    def minutes(self, count: int) -> str:
        return formats.minutes(count, self.locale)

    def time_range(self, start: datetime, end: datetime) -> str:
        """Return a time or a range for a table, with the zone's name if the reader could mistake it."""
        words = self.translations.words
        begins, ends = formats.clock(start, self.locale), formats.clock(end, self.locale)
        if start.utcoffset() != end.utcoffset():  # the UTC offset changes between start and end
            return words.clock_range.format(start=self._with_offset(begins, start), end=self._with_offset(ends, end))
        shown = words.clock_range.format(start=begins, end=ends) if start != end else words.clock.format(time=begins)
        if not formats.needs_zone(start, self.zone):
            return shown
        return words.in_zone.format(time=shown, zone=formats.zone_name(start, self.locale))

    def _with_offset(self, shown: str, wall: datetime) -> str:
        return self.translations.words.in_zone.format(time=shown, zone=formats.zone_offset(wall, self.locale))
