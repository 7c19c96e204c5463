"""When a server that refuses wants to be asked again (RFC 9110, section 10.2.3)."""

import math
from datetime import datetime
from email.utils import parsedate_to_datetime

# Whoever says more is not believed: a slip of theirs must not hold our job for years.
LONGEST_S = 86_400.0


def read_retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds from now, between 0 and a day, of `Retry-After: 120` or a date; None where it says neither."""
    text = (header or "").strip()
    try:
        seconds = float(text) if text.isascii() and text.isdigit() else _until(text, now)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_S) if math.isfinite(seconds) else LONGEST_S


def _until(text: str, now: datetime) -> float:
    moment = parsedate_to_datetime(text)
    return (moment - now).total_seconds()
