"""Ask a service for breached passwords, without telling it the password."""

import hashlib
from typing import Final

import httpx
from loguru import logger

_PREFIX_DIGITS: Final = 5
_TIMEOUT_S: Final = 2.0
_MAX_ANSWER_BYTES: Final = 1_000_000


class BreachedPasswords:
    """Asks by the first five digits of a SHA-1, and finds the rest in the answer (k-anonymity).

    `url` is the address of the service, to which the digits are appended. A service that does not answer counts as not
    knowing the password.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def has(self, password: str) -> bool:
        digits = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        prefix, rest = digits[:_PREFIX_DIGITS], digits[_PREFIX_DIGITS:]
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, headers={"Add-Padding": "true"}) as client:
                answer = await client.get(f"{self._url}/{prefix}")
                answer.raise_for_status()
        except httpx.HTTPError as fault:
            logger.warning("The service for breached passwords does not answer: {}", type(fault).__name__)
            return False
        counts = dict(line.strip().partition(":")[::2] for line in answer.text[:_MAX_ANSWER_BYTES].splitlines())
        return counts.get(rest, "0") != "0"  # padding has the count 0
