"""Grome, the backend of a barbershop-booking platform."""

from importlib.metadata import version

__version__ = version("grome")
