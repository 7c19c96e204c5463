"""Find the country of an address, from a database file in MaxMind's format."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import maxminddb
from loguru import logger


class Countries:
    """Finds countries, never places: the position of an address within its country is a guess."""

    def __init__(self, path: str) -> None:
        """Open the database; no country is known without a path, or if the file cannot be read."""
        self._reader = _open(path) if path else None

    @property
    def is_open(self) -> bool:
        return self._reader is not None

    def find(self, address: str | None) -> str | None:
        """Return the ISO 3166 code. Returns None for an unknown or private address."""
        if self._reader is None or not address:
            return None
        with suppress(ValueError):
            found = self._reader.get(address)
            code = _code_of(found) if isinstance(found, Mapping) else None
            return code if isinstance(code, str) and len(code) == 2 else None  # noqa: PLR2004 -- ISO 3166
        return None

    def close(self) -> None:
        if self._reader:
            self._reader.close()


def _open(path: str) -> maxminddb.Reader | None:
    try:
        return maxminddb.open_database(path)
    except (OSError, maxminddb.InvalidDatabaseError) as fault:
        logger.error("The database of countries cannot be read, so no country is known: {!r}", fault)
        return None


def _code_of(record: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- of a foreign file
    """Return the code in a record of GeoLite2 and DB-IP, or of ip-location-db."""
    country = record.get("country")
    return country.get("iso_code") if isinstance(country, Mapping) else record.get("country_code")
