"""Lines about settings for `grome doctor`: their values without secrets, and their sources."""

from collections.abc import Iterator, Mapping

import msgspec

from config.settings import SettingField, Settings, setting_fields


class SettingLine(msgspec.Struct, frozen=True):
    variable: str
    value: str
    source: str
    description: str
    is_default: bool


def setting_lines(settings: Settings, sources: Mapping[str, str]) -> Iterator[SettingLine]:
    """Describe every setting. A variable that is not in `sources` has its default, or a key kept in GROME_HOME."""
    defaults = Settings()
    for leaf in setting_fields():
        value, default = _value_of(settings, leaf), _value_of(defaults, leaf)
        is_made = value != default and leaf.variable not in sources
        source = f"kept in {settings.home}" if is_made else sources.get(leaf.variable, "default")
        shown = _display(value, secret=leaf.secret)
        yield SettingLine(leaf.variable, shown, source, leaf.description, value == default)


def _value_of(settings: Settings, leaf: SettingField) -> str:
    value: object = settings
    for name in leaf.path:
        value = getattr(value, name)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _display(value: str, *, secret: bool) -> str:
    """Hide secrets, and the password and the options of a URL, since options may hold another password."""
    if secret:
        return "(set, hidden)" if value else "(not set)"
    scheme, found, rest = value.partition("://")
    if not found:
        return value or "(not set)"
    address, asked, options = rest.partition("?")
    if "@" in options:  # the end of the password cannot be found
        return f"{scheme}://…"
    login, at, place = address.rpartition("@")
    return f"{scheme}://{login.partition(':')[0] + ':…@' if at else ''}{place}{'?…' if asked else ''}"
