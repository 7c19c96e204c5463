"""Hash and check passwords by bcrypt, in threads: a hash costs a quarter of a second of CPU by design."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import bcrypt

from grome.common.errors import Invalid
from grome.common.text import normalize_password

MAX_PASSWORD_BYTES = 72  # bcrypt ignores all further bytes; a longer password would be cut silently


class PasswordHasher:
    """Hashes and checks passwords off the event loop, in two threads, so that many sign-ins do not take every core."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bcrypt")
        self._dummy_hash = bcrypt.hashpw(b"nobody", bcrypt.gensalt(rounds))

    async def hash(self, password: str) -> str:
        """Hash the normal form. Raises Invalid if it has more than 72 bytes in UTF-8."""
        secret = normalize_password(password).encode()
        if len(secret) > MAX_PASSWORD_BYTES:
            raise Invalid("password", f"is longer than {MAX_PASSWORD_BYTES} bytes")
        loop = asyncio.get_running_loop()
        hashed = await loop.run_in_executor(self._threads, bcrypt.hashpw, secret, bcrypt.gensalt(self._rounds))
        return hashed.decode()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Return whether the password matches the hash; False if `password_hash` is None.

        A missing account takes as long as a wrong password, so the response time does not reveal which accounts exist.
        A password that is not in normal form is also tried as typed, because earlier releases hashed passwords without
        normalising them.
        """
        for typed in dict.fromkeys((normalize_password(password), password)):
            if await self._matches_hash(typed.encode(), password_hash):
                return True
        return False

    async def _matches_hash(self, secret: bytes, password_hash: str | None) -> bool:
        known = password_hash.encode() if password_hash else self._dummy_hash
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, bcrypt.checkpw, secret[:MAX_PASSWORD_BYTES], known)
        return right and password_hash is not None and len(secret) <= MAX_PASSWORD_BYTES

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
