"""Issue and read access tokens (signed, short-lived) and refresh tokens (numbered, with a MAC, valid once)."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from msgspec import Struct

from grome.common.actor import Actor, Role, SignInMethod
from grome.common.ids import new_hex_id
from grome.infrastructure.signed_tokens import derive_key, load_signing_key

ISSUER = "grome"
SECRET_BYTES: Final = 32  # of an unnumbered token
_ID_BYTES: Final = 16
_GENERATION_BYTES: Final = 8


class Jwk(Struct, frozen=True):
    """A public key after RFC 8037 (Ed25519)."""

    kty: str
    crv: str
    alg: str
    use: str
    kid: str
    x: str


class VerifiedToken(Struct, frozen=True):
    actor: Actor
    expires_at: float


class AccessTokens:
    """Signs and reads access tokens by EdDSA, so that other services can verify but not issue them, by the JWKS."""

    def __init__(self, signing_key: str, ttl_s: int) -> None:
        """Raise TypeError for a key of another kind."""
        self._private = load_signing_key(signing_key)
        self._public = self._private.public_key()
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.ttl_s = ttl_s
        self.jwk = Jwk("OKP", "Ed25519", "EdDSA", "sig", hashlib.sha256(raw).hexdigest()[:16], _base64url(raw))

    def issue(self, actor: Actor, now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "sub": str(actor.id),
            "role": actor.role.value,
            "sid": str(actor.session_id),
            "auth_time": int(actor.authenticated_at.timestamp()),
            "amr": sorted(method.value for method in actor.methods),
            "jti": new_hex_id(),  # so that two tokens of a session within a second differ
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + self.ttl_s,
        }
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": self.jwk.kid})

    def read(self, token: str, now: datetime) -> VerifiedToken | None:
        """Return the verified token with its actor and expiry.

        Returns None if Grome did not issue the token, or if it was altered or has expired.
        """
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                issuer=ISSUER,
                # Expiry is checked below, against `now`.
                options={"require": ["exp", "sub", "sid", "role"], "verify_exp": False, "verify_iat": False},
            )
            actor = Actor(
                UUID(claims["sub"]),
                Role(claims["role"]),
                UUID(claims["sid"]),
                # Tokens of the previous release lack both claims.
                datetime.fromtimestamp(claims.get("auth_time", 0), UTC),
                frozenset(map(SignInMethod, claims.get("amr", ()))),
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        if claims["exp"] <= now.timestamp():
            return None
        return VerifiedToken(actor, claims["exp"])


class RefreshToken(Struct, frozen=True):
    """A token of a family of refresh tokens, which is a login session. Generation 1 is the token of the login."""

    session_id: UUID
    generation: int


class RefreshTokens:
    """Writes refresh tokens and reads those that carry the right MAC.

    A token is its session's id, its generation and their HMAC. A made-up token is therefore refused without the
    database, and any old token is recognised by its number, however often the family has been refreshed since.
    """

    def __init__(self, signing_key: str) -> None:
        self._key = derive_key(signing_key, "refresh tokens 2")

    def write(self, token: RefreshToken) -> str:
        said = _payload_of(token)
        return f"{_base64url(said)}.{_base64url(hmac.digest(self._key, said, 'sha256'))}"

    def read(self, text: str) -> RefreshToken | None:
        """Return the token. Returns None for a text that `write` did not make."""
        parts = _decode_parts(text)
        if parts is None or len(parts[0]) != _ID_BYTES + _GENERATION_BYTES:
            return None
        session, generation = parts[0][:_ID_BYTES], parts[0][_ID_BYTES:]
        token = RefreshToken(UUID(bytes=session), int.from_bytes(generation, "big"))
        # Base64 decoding ignores foreign characters and loose bits, so that one token would have many spellings.
        return token if hmac.compare_digest(self.write(token).encode(), text.encode()) else None


class UnnumberedToken(Struct, frozen=True):
    """A refresh token of an earlier release: a session's id and the SHA-256 of 32 random bytes."""

    session_id: UUID
    token_hash: bytes


def read_unnumbered_token(text: str) -> UnnumberedToken | None:
    """Return the token of an earlier release that a client still holds; None for any other text.

    Such a token carries no MAC: only the session that it names can tell whether it is valid.
    """
    parts = _decode_parts(text)
    if parts is None or [len(part) for part in parts] != [_ID_BYTES, SECRET_BYTES]:
        return None
    session, secret = parts
    if f"{_base64url(session)}.{_base64url(secret)}" != text:
        return None
    return UnnumberedToken(UUID(bytes=session), hashlib.sha256(secret).digest())


def _payload_of(token: RefreshToken) -> bytes:
    return token.session_id.bytes + token.generation.to_bytes(_GENERATION_BYTES, "big")


def _decode_parts(text: str) -> tuple[bytes, bytes] | None:
    try:
        first, second = (base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_") for part in text.split("."))
    except ValueError:
        return None
    return first, second


def load_or_create_signing_key(home: Path) -> str:
    """Return the development key of a home folder; the first call creates it, readable by its owner only."""
    path = home / "signing-key.pem"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.touch(mode=0o600)
        path.write_bytes(pem)
    return path.read_text()


def grace_start(now: datetime) -> datetime:
    """Return ten seconds ago: a parent refreshed since then gets the same child, as large providers allow."""
    return now - timedelta(seconds=10)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
