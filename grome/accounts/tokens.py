"""Issue and read access tokens (signed, short-lived) and refresh tokens (numbered, with a MAC, valid once)."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt
from jwt.algorithms import OKPAlgorithm
from msgspec import Struct

from grome.accounts.models import LoginSession
from grome.accounts.schemas import Jwk, Tokens
from grome.common.actor import Actor, Role, SignInMethod
from grome.common.base64url import decode_base64url, encode_base64url
from grome.common.clock import Clock
from grome.common.ids import new_hex_id
from grome.infrastructure.secret_keys import Macs, SecretKeys
from grome.infrastructure.signing_keys import SigningKeys

ISSUER: Final = "grome"
AUDIENCE: Final = "grome"
TYPE: Final = "at+jwt"  # RFC 9068: no other token that Grome may ever sign passes for an access token
SECRET_BYTES: Final = 32  # of an unnumbered token
_ID_BYTES: Final = 16
_GENERATION_BYTES: Final = 8


class VerifiedToken(Struct, frozen=True):
    actor: Actor
    expires_at: float


class AccessTokens:
    """Signs and reads access tokens by EdDSA, so that other services can verify but not issue them, by the JWKS."""

    def __init__(self, keys: SigningKeys, ttl_s: int) -> None:
        self._keys = keys
        self.ttl_s = ttl_s

    def list_jwks(self) -> list[Jwk]:
        """Return the public keys of all tokens that may still be valid, the current key first."""
        return [
            Jwk(**OKPAlgorithm.to_jwk(public, as_dict=True), alg="EdDSA", use="sig", kid=kid)
            for kid, public in self._keys.publics.items()
        ]

    def issue(self, actor: Actor, now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(actor.id),
            "role": actor.role.value,
            "sid": str(actor.session_id),
            "auth_time": int(actor.authenticated_at.timestamp()),
            "amr": sorted(actor.methods),
            "jti": new_hex_id(),  # so that two tokens of a session within a second differ
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + self.ttl_s,
        }
        return jwt.encode(claims, self._keys.private, algorithm="EdDSA", headers={"kid": self._keys.kid, "typ": TYPE})

    def read(self, token: str, now: datetime) -> VerifiedToken | None:
        """Return the verified token with its actor and expiry.

        Returns None if Grome did not issue the token, or if it was altered or has expired.
        """
        try:
            header = jwt.get_unverified_header(token)
            is_of_previous_release = header.get("typ") == "JWT"  # without an audience, for 15 minutes after an upgrade
            if header.get("typ") != TYPE and not is_of_previous_release:
                return None
            claims = jwt.decode(
                token,
                self._keys.publics[header["kid"]],
                algorithms=["EdDSA"],
                issuer=ISSUER,
                audience=None if is_of_previous_release else AUDIENCE,
                # Expiry is checked below, against `now`.
                options={"require": ["exp", "sub", "sid", "role"], "verify_exp": False, "verify_iat": False},
            )
            actor = _actor_of(claims)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            return None
        if claims["exp"] <= now.timestamp():
            return None
        return VerifiedToken(actor, claims["exp"])


def _actor_of(claims: dict[str, Any]) -> Actor:
    """Return the actor. Tokens of the previous release lack the time and the methods of the sign-in."""
    return Actor(
        UUID(claims["sub"]),
        Role(claims["role"]),
        UUID(claims["sid"]),
        authenticated_at=datetime.fromtimestamp(claims.get("auth_time", 0), UTC),
        methods=frozenset(SignInMethod(method) for method in claims.get("amr", ())),
    )


class RefreshToken(Struct, frozen=True):
    """A token of a family of refresh tokens, which is a login session. Generation 1 is the token of the login."""

    session_id: UUID
    generation: int


class RefreshTokens:
    """Writes refresh tokens and reads those that carry the right MAC.

    A token is its session's id, its generation and their HMAC. A made-up token is therefore refused without the
    database, and any old token is recognised by its number, however often the family has been refreshed since.
    """

    def __init__(self, keys: SecretKeys) -> None:
        self._macs = Macs(keys.derive("refresh tokens 2"))

    def write(self, token: RefreshToken) -> str:
        said = _payload_of(token)
        return f"{encode_base64url(said)}.{encode_base64url(self._macs.sign(said))}"

    def read(self, text: str) -> RefreshToken | None:
        """Return the token. Returns None for a text that `write` did not make."""
        parts = _decode_parts(text)
        if parts is None or len(parts[0]) != _ID_BYTES + _GENERATION_BYTES:
            return None
        session, generation = parts[0][:_ID_BYTES], parts[0][_ID_BYTES:]
        if not self._macs.is_signed(*parts):
            return None
        return RefreshToken(UUID(bytes=session), int.from_bytes(generation, "big"))


class TokenIssuer:
    """Issues the two tokens of a session."""

    def __init__(self, access_tokens: AccessTokens, refresh_tokens: RefreshTokens, clock: Clock) -> None:
        self._access, self._refresh, self._clock = access_tokens, refresh_tokens, clock

    def issue(self, session: LoginSession) -> Tokens:
        authenticated_at = session.authenticated_at or session.first_seen
        actor = Actor(session.user_id, session.role, session.id, authenticated_at, frozenset(session.methods))
        return Tokens(
            access_token=self._access.issue(actor, self._clock()),
            refresh_token=self._refresh.write(RefreshToken(session.id, session.generation)),
            expires_in=self._access.ttl_s,
        )


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
    return UnnumberedToken(UUID(bytes=session), hashlib.sha256(secret).digest())


def _payload_of(token: RefreshToken) -> bytes:
    return token.session_id.bytes + token.generation.to_bytes(_GENERATION_BYTES, "big")


def _decode_parts(text: str) -> tuple[bytes, bytes] | None:
    """Return both parts of a token. A token has one spelling only."""
    first, _, second = text.partition(".")
    parts = decode_base64url(first), decode_base64url(second)
    return None if parts[0] is None or parts[1] is None else (parts[0], parts[1])


def grace_start(now: datetime) -> datetime:
    """Return ten seconds ago: a parent refreshed since then gets the same child, as large providers allow."""
    return now - timedelta(seconds=10)
