"""The composition root: provider functions by area, and the container that a process opens with them."""

from grome.composition.app import PROVIDERS, open_container

__all__ = ["PROVIDERS", "open_container"]
