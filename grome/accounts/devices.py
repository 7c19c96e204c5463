"""Tell known devices from new devices, and sudden moves to another country."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from grome.accounts.models import Device, PastSignIn

# Versions, so that an update of a browser or a system makes no new device.
_VERSION: Final = re.compile(r"\d[\w.]*")
# A change of country within so long, on a new device, is unusual: few people travel with a new device.
_TRAVEL_TIME: Final = timedelta(hours=24)


def is_known_device(device: Device, past: Sequence[PastSignIn]) -> bool:
    return any(_is_same(device, one.device) for one in past)


def is_sudden_move(country: str | None, past: Sequence[PastSignIn], now: datetime) -> bool:
    """Compare with the newest sign-in from a known country; `past` has the newest first."""
    last = next((one for one in past if one.country), None)
    if last is None or country is None:
        return False
    return country != last.country and last.last_seen > now - _TRAVEL_TIME


def _is_same(first: Device, second: Device) -> bool:
    """Compare by the ids that clients give, or by the kind of browser and system if neither has an id."""
    if first.id or second.id:
        return first.id == second.id
    return _kind_of(first.user_agent) == _kind_of(second.user_agent)


def _kind_of(user_agent: str | None) -> str:
    return _VERSION.sub("", user_agent or "")
