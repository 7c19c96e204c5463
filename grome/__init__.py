"""Grome, the backend of a barbershop-booking platform."""

from importlib.metadata import version


def installed_version() -> str:
    """Return the version. An import does not read it, so `live_client` also runs where Grome is not installed."""
    return version("grome")
