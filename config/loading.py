"""Load the settings; the only place that reads the environment.

A field `section.name` is set by the variable `GROME_SECTION_NAME`, or by the content of the file that
`GROME_SECTION_NAME_FILE` names. The environment of the process takes precedence over the file
`config/<GROME_ENV>.env`, which takes precedence over the defaults in `config/sections/`.
"""

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from dotenv import dotenv_values

from config.production import incomplete_settings, unsafe_settings
from config.settings import PREFIX, SettingField, Settings, SettingsError, setting_fields
from config.wording import requirement

FILE_SUFFIX = "_FILE"
# No settings: a mark on the processes that the embedded servers start, and what `grome create-admin` is given.
OTHERS = frozenset({"GROME_HOME_OWNER", "GROME_NEW_PASSWORD"})


class _Value(NamedTuple):
    text: str
    source: str


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the tree from `environ` and the environment's file; raises SettingsError with all faults."""
    faults: list[str] = []
    known = {leaf.variable: leaf for leaf in setting_fields()}
    tree: dict[str, Any] = {}
    for variable, value in sorted(_collect(environ, known, faults).items()):
        leaf = known.get(variable)
        if leaf is None:
            faults.append(_unknown(variable, known))
            continue
        try:
            converted = msgspec.convert(value.text, leaf.type, strict=False)
        except msgspec.ValidationError:
            shown = "a secret that cannot be used" if leaf.secret else repr(value.text)
            faults.append(f"{variable} is {shown}: {requirement(leaf, value.text)} {leaf.description}")
            continue
        section = tree
        for name in leaf.path[:-1]:
            section = section.setdefault(name, {})
        section[leaf.path[-1]] = converted
    settings = msgspec.convert(
        tree, Settings
    )  # a faulty setting keeps its default, so that other faults are reported too
    if faults := faults + incomplete_settings(settings) + unsafe_settings(settings):
        raise SettingsError(faults)
    return settings


def setting_sources(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the source of each variable that is set: the environment, a named file, or `config/<GROME_ENV>.env`."""
    known = {leaf.variable: leaf for leaf in setting_fields()}
    return {variable: value.source for variable, value in _collect(environ, known, []).items()}


def _collect(environ: Mapping[str, str], known: Collection[str], faults: list[str]) -> dict[str, _Value]:
    env = environ.get("GROME_ENV", "development")
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name not in OTHERS}
    return {
        **_with_files(_from_file(env), known, faults, f"config/{env}.env"),
        **_with_files(ours, known, faults, "environment"),
    }


def _from_file(env: str) -> dict[str, str]:
    path = Path(__file__).with_name(f"{env}.env") if env.isalpha() else None
    if path is None or not path.is_file():  # the value itself is refused as GROME_ENV a moment later
        return {}
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None}


def _with_files(given: Mapping[str, str], known: Collection[str], faults: list[str], source: str) -> dict[str, _Value]:
    """Replace each `GROME_X_FILE` by `GROME_X` with the content of that file, without its last line breaks."""
    values = {name: _Value(text, source) for name, text in given.items()}
    for name, path in given.items():
        variable = name.removesuffix(FILE_SUFFIX)
        if name == variable or variable not in known or variable == "GROME_ENV":
            continue
        del values[name]
        if given.get(variable):
            faults.append(f"{variable} and {name} are both set.")
            continue
        try:
            values[variable] = _Value(Path(path).read_text(encoding="utf-8").rstrip("\r\n"), f"{name}, {path}")
        except (OSError, ValueError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
            faults.append(f"{name} is {path!r}, which cannot be read: {reason}.")
    return values


def _unknown(variable: str, known: Mapping[str, SettingField]) -> str:
    near = difflib.get_close_matches(variable, known, n=1)
    return f"{variable} is not a setting{f'; did you mean {near[0]}?' if near else '.'}"
