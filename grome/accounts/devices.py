"""Tell known devices from new devices, and usual sign-ins from unusual sign-ins."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from grome.accounts.models import Device, PastSignIn

# Versions, so that an update of a browser or a system makes no new device.
_VERSION: Final = re.compile(r"\d[\w.]*")
# A change of country within so long, on a new device, is unusual: few people travel with a new device.
_TRAVEL_TIME: Final = timedelta(hours=24)


class SignInRisk(Struct, frozen=True):
    """Describes a sign-in, in comparison with earlier sign-ins. An unusual sign-in asks for a second proof."""

    is_new_device: bool = False
    is_unusual: bool = False


def is_same_device(first: Device, second: Device) -> bool:
    """Compare by the ids that clients give, or by the kind of browser and system if neither has an id."""
    if first.id or second.id:
        return first.id == second.id
    return _kind_of(first.user_agent) == _kind_of(second.user_agent)


def assess(device: Device, country: str | None, past: Sequence[PastSignIn], now: datetime) -> SignInRisk:
    """Compare a sign-in with the account's earlier ones, newest first. The first sign-in of an account is usual."""
    if not past or any(is_same_device(device, one.device) for one in past):
        return SignInRisk()
    located = next((one for one in past if one.country), None)
    has_moved = located is not None and country not in (None, located.country)
    is_soon = located is not None and located.last_seen > now - _TRAVEL_TIME
    return SignInRisk(is_new_device=True, is_unusual=has_moved and is_soon)


def _kind_of(user_agent: str | None) -> str:
    return _VERSION.sub("", user_agent or "")
