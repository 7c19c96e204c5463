"""The licences page names each installed package of the locks with a licence that is not permissive."""

import importlib.metadata
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
_PERMISSIVE: Final = re.compile(
    r"\b(MIT|MIT-0|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|Zlib)\b", re.IGNORECASE
)
_COPYLEFT: Final = re.compile(r"GPL|Affero|MPL|Mozilla|SSPL|EUPL|CDDL|OSL", re.IGNORECASE)


def licence_of(package: importlib.metadata.PackageMetadata) -> str:
    """Return the licence as the package states it: by expression, else by classifiers, else by free text."""
    classifiers = [text for text in package.get_all("Classifier", []) if text.startswith("License ::")]
    return package.get("License-Expression") or "; ".join(classifiers) or (package.get("License") or "")[:80]


def locked(lock: str) -> list[str]:
    return re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements" / lock).read_text(), re.MULTILINE)


@pytest.mark.parametrize(("lock", "section"), [("production.txt", "In production"), ("dev.txt", None)])
def test_licences_page_names_each_package_without_a_permissive_licence(lock: str, section: str | None) -> None:
    page = (ROOT / "docs" / "licences.md").read_text()
    text = page if section is None else page.partition(f"## {section}\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"[a-z0-9-]+", " ".join(re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE))))
    unnamed = {}
    for name in locked(lock):
        try:
            licence = licence_of(importlib.metadata.metadata(name))
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        if (_COPYLEFT.search(licence) or not _PERMISSIVE.search(licence)) and name not in named:
            unnamed[name] = licence
    assert unnamed == {}
