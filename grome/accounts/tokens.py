"""Access tokens (signed, short-lived) and refresh tokens (random, stored as a hash, each good once)."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Struct

from grome.common.actor import Actor, Role
from grome.common.ids import new_hex_id

ISSUER = "grome"
SECRET_BYTES = 32
# More than a client can use up in 30 days that refreshes whenever its access token ends.
_GENERATIONS = 3_000


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
    """Signs and reads access tokens. EdDSA, so that others can check them by the JWKS and not make one."""

    def __init__(self, signing_key: str, ttl_s: int) -> None:
        key = load_pem_private_key(signing_key.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("GROME_ACCOUNTS_SIGNING_KEY is not an Ed25519 private key")
        self._private, self._public = key, key.public_key()
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.ttl_s = ttl_s
        self.jwk = Jwk("OKP", "Ed25519", "EdDSA", "sig", hashlib.sha256(raw).hexdigest()[:16], _base64url(raw))

    def issue(self, actor: Actor, now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "sub": str(actor.id),
            "role": actor.role.value,
            "sid": str(actor.session_id),
            "jti": new_hex_id(),  # so that two of one session within a second differ
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + self.ttl_s,
        }
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": self.jwk.kid})

    def read(self, token: str, now: datetime) -> VerifiedToken | None:
        """Who a token speaks for; None where it is not ours, was altered or has expired."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                issuer=ISSUER,
                # Expiry is checked below, by the clock that was passed in.
                options={"require": ["exp", "sub", "sid", "role"], "verify_exp": False, "verify_iat": False},
            )
            actor = Actor(UUID(claims["sub"]), Role(claims["role"]), UUID(claims["sid"]))
        except (jwt.InvalidTokenError, ValueError):
            return None
        if claims["exp"] <= now.timestamp():
            return None
        return VerifiedToken(actor, claims["exp"])


class RefreshTokens:
    """Refresh tokens are `<session id>.<secret>`.

    A child's secret is an HMAC of its parent's, so that however many copies of one parent arrive at once, and in
    whichever process, all get the same child: rotation needs no lock and a lost answer can be given again.
    """

    def __init__(self, signing_key: str) -> None:
        self._key = hashlib.sha256(b"refresh token rotation\0" + signing_key.encode()).digest()

    def first(self) -> bytes:
        return secrets.token_bytes(SECRET_BYTES)

    def child(self, secret: bytes) -> bytes:
        return hmac.digest(self._key, secret, "sha256")

    def is_ancestor(self, secret: bytes, token_hash: bytes) -> bool:
        """Whether a secret was once good in the family whose newest token has this hash, and not merely made up."""
        for _ in range(_GENERATIONS):
            secret = self.child(secret)
            if digest(secret) == token_hash:
                return True
        return False


def digest(secret: bytes) -> bytes:
    """What the database keeps of a secret. It has 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret).digest()


def write_refresh_token(session_id: UUID, secret: bytes) -> str:
    return f"{_base64url(session_id.bytes)}.{_base64url(secret)}"


def read_refresh_token(token: str) -> tuple[UUID, bytes] | None:
    """The session's id and the secret; None for anything that we did not write."""
    try:
        session, secret = (base64.b64decode(part + "==", altchars=b"-_") for part in token.split("."))
        parsed = UUID(bytes=session), secret
    except ValueError:
        return None
    # Base64 reads over foreign characters and loose bits, so that one secret would have many spellings.
    return parsed if len(secret) == SECRET_BYTES and write_refresh_token(*parsed) == token else None


def keep_signing_key(home: Path) -> str:
    """The key that a home folder keeps for development, made at the first call, readable by its owner alone."""
    path = home / "signing-key.pem"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.touch(mode=0o600)
        path.write_bytes(pem)
    return path.read_text()


def grace(now: datetime) -> datetime:
    """A parent rotated since this moment may still fetch its child: ten seconds, as the larger providers allow."""
    return now - timedelta(seconds=10)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
