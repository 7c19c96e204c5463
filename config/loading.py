"""Load the settings; the only place that reads the environment.

A field `section.name` is set by the variable `GROME_SECTION_NAME`, or by the content of the file that
`GROME_SECTION_NAME_FILE` names. The environment of the process takes precedence over the file
`config/<GROME_ENV>.env`, which takes precedence over the defaults in `config/sections/`.
"""

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
from dotenv import dotenv_values

from config.production import incomplete_settings, unsafe_settings
from config.settings import PREFIX, SettingField, Settings, SettingsError, setting_fields

FILE_SUFFIX = "_FILE"
# No settings: a mark on the processes that the embedded servers start, and what `grome create-admin` is given.
OTHERS = frozenset({"GROME_HOME_OWNER", "GROME_NEW_PASSWORD"})


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the tree from `environ` and the environment's file; raises SettingsError with all faults."""
    faults: list[str] = []
    env = environ.get("GROME_ENV", "development")
    known = {leaf.variable: leaf for leaf in setting_fields()}
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name not in OTHERS}
    given = {**_with_files(_from_file(env), known, faults), **_with_files(ours, known, faults)}
    tree: dict[str, Any] = {}
    for variable, text in sorted(given.items()):
        leaf = known.get(variable)
        if leaf is None:
            faults.append(_unknown(variable, known))
            continue
        try:
            value = msgspec.convert(text, leaf.type, strict=False)
        except msgspec.ValidationError as fault:
            shown = "a secret" if leaf.secret else repr(text)
            faults.append(f"{variable} is {shown}: {_sentence(fault)} {leaf.description}")
            continue
        section = tree
        for name in leaf.path[:-1]:
            section = section.setdefault(name, {})
        section[leaf.path[-1]] = value
    settings = msgspec.convert(
        tree, Settings
    )  # a faulty setting keeps its default, so that other faults are reported too
    if faults := faults + incomplete_settings(settings) + unsafe_settings(settings):
        raise SettingsError(faults)
    return settings


def _from_file(env: str) -> dict[str, str]:
    path = Path(__file__).with_name(f"{env}.env") if env.isalpha() else None
    if path is None or not path.is_file():  # the value itself is refused as GROME_ENV a moment later
        return {}
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None}


def _with_files(given: Mapping[str, str], known: Collection[str], faults: list[str]) -> dict[str, str]:
    """Replace each `GROME_X_FILE` by `GROME_X` with the content of that file, without its last line breaks."""
    values = dict(given)
    for name, path in given.items():
        variable = name.removesuffix(FILE_SUFFIX)
        if name == variable or variable not in known or variable == "GROME_ENV":
            continue
        del values[name]
        if given.get(variable):
            faults.append(f"{variable} and {name} are both set.")
            continue
        try:
            values[variable] = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
            faults.append(f"{name} is {path!r}, which cannot be read: {reason}.")
    return values


def _unknown(variable: str, known: Mapping[str, SettingField]) -> str:
    near = difflib.get_close_matches(variable, known, n=1)
    return f"{variable} is not a setting{f'; did you mean {near[0]}?' if near else '.'}"


def _sentence(fault: msgspec.ValidationError) -> str:
    return str(fault).split(" - at ", maxsplit=1)[0] + "."
