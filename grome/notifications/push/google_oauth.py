"""Fetch access tokens of a Google service account: OAuth 2 with a signed JWT (RFC 7523)."""

import asyncio
from contextvars import Context
from datetime import datetime, timedelta

import httpx
import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.retry_after import read_retry_after

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# The maximum that Google accepts.
_ASSERTION_TTL = timedelta(hours=1)
# A token that expires during a request would cost a second request.
_EXPIRY_MARGIN = timedelta(minutes=1)
_OK = 200


class ServiceAccount(Struct, frozen=True):
    """Holds the needed fields of Google's JSON key file."""

    project_id: str
    client_email: str
    private_key_id: str
    private_key: str
    token_uri: str


class _Granted(Struct, frozen=True):
    access_token: str
    expires_in: int


class _Denied(Struct, frozen=True):
    error: str = ""


class TokenUnavailableError(Exception):
    """Raised if no access token can be fetched now."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


def read_service_account(text: str) -> ServiceAccount:
    """Parse the JSON key file. Raises ValueError with a text that contains no part of the input."""
    try:
        return msgspec.json.decode(text, type=ServiceAccount)
    except msgspec.DecodeError as fault:
        raise ValueError(f"GROME_PUSH_SERVICE_ACCOUNT is not the JSON of a service account: {fault}") from None


class AccessTokens:
    """Caches an access token until a minute before its expiry. Concurrent callers share one request."""

    def __init__(self, account: ServiceAccount, http: httpx.AsyncClient, timeout_s: float, clock: Clock) -> None:
        self._account, self._key = account, _read_key(account.private_key)
        self._http, self._timeout_s, self._clock = http, timeout_s, clock
        self._token: str | None = None
        self._valid_until: datetime | None = None
        self._fetching: asyncio.Task[str] | None = None

    async def get(self) -> str:
        """Return a valid token. Raises TokenUnavailableError."""
        if self._token and self._valid_until and self._clock() < self._valid_until:
            return self._token
        if self._fetching is None:
            # A task of its own: a caller's task could be cancelled while other callers wait.
            self._fetching = asyncio.create_task(self._fetch(), context=Context())
        return await asyncio.shield(self._fetching)

    def invalidate(self, refused: str) -> None:
        """Discard a refused token. Only the first of concurrent callers causes a new request."""
        if self._token == refused:
            self._token = None

    async def aclose(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _fetch(self) -> str:
        try:
            asked_at = self._clock()
            granted = await self._request_token(asked_at)
            self._token = granted.access_token
            self._valid_until = asked_at + timedelta(seconds=granted.expires_in) - _EXPIRY_MARGIN
            return granted.access_token
        finally:
            self._fetching = None

    async def _request_token(self, now: datetime) -> _Granted:
        form = {"grant_type": GRANT_TYPE, "assertion": self._assertion(now)}
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._http.post(self._account.token_uri, data=form)
            if answer.status_code == _OK:
                return msgspec.json.decode(answer.content, type=_Granted)
        except (TimeoutError, httpx.RequestError, msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise TokenUnavailableError(f"Google's token server: {type(fault).__name__}") from None
        retry_after_s = read_retry_after(answer.headers.get("retry-after"), now)
        raise TokenUnavailableError(
            f"Google's token server answered {answer.status_code} {_code(answer)}".rstrip(), retry_after_s
        )

    def _assertion(self, now: datetime) -> str:
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": self._account.token_uri,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_TTL).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._account.private_key_id})


def _read_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("GROME_PUSH_SERVICE_ACCOUNT has no RSA private key in PEM")  # noqa: TRY004 -- of a setting
    return key


def _code(answer: httpx.Response) -> str:
    """Return the OAuth error code, e.g. `invalid_grant` for a revoked key or a wrong clock."""
    try:
        return msgspec.json.decode(answer.content, type=_Denied).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
