"""Hash and check passwords by bcrypt over an HMAC, in threads. A hash costs a quarter of a second of CPU by design.

A stored hash is `$g1$<version of the pepper><bcrypt>`, where bcrypt gets the HMAC-SHA256 of the normal form under the
pepper, in base64. So no byte of a long password is cut off, and a stolen database alone does not allow guessing. Hashes
of earlier releases are plain bcrypt of the first 72 bytes; they stay valid until the next sign-in replaces them.
"""

import base64
import hmac
import os
from collections.abc import Mapping, Sequence
from typing import Final

import bcrypt

from config.keys import parse_numbered_keys
from config.settings import Settings
from grome.accounts.bounded_threads import BoundedThreads
from grome.common.errors import Invalid
from grome.common.text import normalize_password

MAX_PASSWORD_BYTES: Final = 512
_MAX_BCRYPT_BYTES: Final = 72  # bcrypt ignores all further bytes
_SCHEME: Final = "$g1$"
NO_PEPPER: Final = "0"


class Peppers:
    """Keys that are mixed into password hashes, by version; the first is used for new hashes.

    Version 0 is no secret. It is used if no pepper is set, and stays readable once there is one. While the peppers are
    `only_announced`, new hashes are plain, since processes of the first releases still check passwords.
    """

    def __init__(self, keys: Mapping[int, bytes], *, only_announced: bool = False) -> None:
        self._keys = {**keys, 0: b""}
        self.version, self.only_announced = next(iter(self._keys)), only_announced

    @classmethod
    def parse(cls, setting: str) -> "Peppers":
        """Read `accounts.pepper`, where a first entry `0` says that the keys after it are only announced."""
        return cls(parse_numbered_keys(setting), only_announced=setting.split(",", maxsplit=1)[0] == NO_PEPPER)

    def apply(self, password: str, version: int) -> bytes | None:
        """Return the text for bcrypt. Returns None if the pepper of this version is unknown."""
        key = self._keys.get(version)
        return None if key is None else base64.b64encode(hmac.digest(key, password.encode(), "sha256"))


class PasswordHasher:
    """Hashes and checks passwords off the event loop.

    Work beyond `max_pending` calls is refused by Unavailable at once. All methods may raise it.
    """

    def __init__(self, rounds: int, peppers: Peppers, *, threads: int, max_pending: int) -> None:
        self._rounds, self._peppers = rounds, peppers
        self._threads = BoundedThreads("bcrypt", threads, max_pending, background=True)
        # A well-formed hash that no password is known to have.
        self._nobodys_hash = f"$2b${rounds:02}${'.' * 53}"

    def require_place(self) -> None:
        """Raise Unavailable if the queue is full now. In a storm, a refusal then costs no query."""
        self._threads.require_place()

    async def hash(self, password: str) -> str:
        """Hash the normal form. Raises Invalid if it has more than 512 bytes in UTF-8."""
        normal = normalize_password(password)
        if len(normal.encode()) > MAX_PASSWORD_BYTES:
            raise Invalid("password", f"is longer than {MAX_PASSWORD_BYTES} bytes")
        plain, version = normal.encode(), self._peppers.version
        is_plain = self._peppers.only_announced and len(plain) <= _MAX_BCRYPT_BYTES
        secret = plain if is_plain else self._peppers.apply(normal, version) or b""
        hashed = (await self._threads.run(bcrypt.hashpw, secret, bcrypt.gensalt(self._rounds))).decode()
        return hashed if is_plain else f"{_SCHEME}{version}{hashed}"

    async def matches(self, password: str, password_hash: str) -> bool:
        return await self.find_match(password, [password_hash]) is not None

    async def find_match(self, password: str, hashes: Sequence[str | None]) -> int | None:
        """Return the position of the first hash of this password; None if there is none.

        A missing hash takes as long as a wrong one, so the time does not reveal which accounts exist. A password that
        is not in normal form is also tried as typed, because the first releases did not normalise passwords.
        """
        forms = tuple(dict.fromkeys((normalize_password(password), password)))
        return await self._threads.run(self._find_match, forms, hashes)

    def needs_rehash(self, password_hash: str) -> bool:
        """Return whether the hash has another scheme, pepper or number of rounds than a new hash."""
        if self._peppers.only_announced:
            return False
        return not password_hash.startswith(f"{_SCHEME}{self._peppers.version}$2b${self._rounds:02}$")

    def close(self) -> None:
        self._threads.close()

    def _find_match(self, forms: Sequence[str], hashes: Sequence[str | None]) -> int | None:
        for position, password_hash in enumerate(hashes):
            results = [self._check(form, password_hash) for form in forms]  # all of them, for the same time
            if any(results):
                return position
        return None

    def _check(self, password: str, password_hash: str | None) -> bool:
        """Run bcrypt once, also if the result is known beforehand."""
        secret, known = self._prepare(password, password_hash or self._nobodys_hash)
        is_right = bcrypt.checkpw(secret or b"", known.encode())
        return is_right and secret is not None and password_hash is not None

    def _prepare(self, password: str, password_hash: str) -> tuple[bytes | None, str]:
        """Return the secret for bcrypt, None if no secret can match, and the bcrypt hash."""
        if password_hash.startswith(_SCHEME):
            version, _, known = password_hash.removeprefix(_SCHEME).partition("$")
            return self._peppers.apply(password, int(version)), f"${known}"
        secret = password.encode()
        return (secret if len(secret) <= _MAX_BCRYPT_BYTES else None), password_hash


def open_hasher(settings: Settings) -> PasswordHasher:
    """Open the hasher of one of the API processes, which together leave half of the machine's cores alone."""
    cores, processes = os.cpu_count() or 1, settings.http.workers
    return PasswordHasher(
        settings.accounts.bcrypt_rounds,
        Peppers.parse(settings.accounts.pepper),
        threads=max(1, cores // 2 // processes),
        max_pending=settings.accounts.password_queue,
    )
