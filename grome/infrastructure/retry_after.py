"""Read the Retry-After of a server (RFC 9110, section 10.2.3)."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Longer waits are cut to this: a server's mistake must not delay a job for years.
LONGEST_S = 86_400.0


def read_retry_after(header: str | None, now: datetime) -> float | None:
    """Return the wait in seconds, between 0 and a day, from a Retry-After header with a number or a date.

    Returns None if the header is neither a number nor a date.
    """
    text = (header or "").strip()
    try:
        seconds = float(text) if text.isascii() and text.isdigit() else _until(text, now)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_S) if math.isfinite(seconds) else LONGEST_S


def _until(text: str, now: datetime) -> float:
    moment = parsedate_to_datetime(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
