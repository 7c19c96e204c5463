"""Tokens in addresses, signed by itsdangerous under the secrets keys: one format, and a salt for each purpose."""

from hashlib import sha256
from typing import Final, Generic, TypeVar

import msgspec
from itsdangerous import BadData, Signer
from msgspec import Struct

from grome.common.base64url import decode_base64url, encode_base64url
from grome.infrastructure.secret_keys import SecretKeys

T = TypeVar("T", bound=Struct)
_SEPARATOR: Final = "."


class SignedTokens(Generic[T]):
    """Writes and reads the tokens of one purpose. A token of another purpose is not read.

    A token holds a Struct as JSON in base64url, a dot, and an HMAC-SHA256 of it. The newest secrets key signs, and
    each of them reads, so that a rotation ends no link.
    """

    def __init__(self, keys: SecretKeys, purpose: str, contents: type[T]) -> None:
        """Take the Struct that tokens hold. Its fields must not change their meaning: links live for years."""
        oldest_first = keys.derive("signed tokens")[::-1]
        self._signer = Signer(oldest_first, purpose, _SEPARATOR, key_derivation="hmac", digest_method=sha256)
        self._decoder = msgspec.json.Decoder(contents)

    def write(self, contents: T) -> str:
        return self._signer.sign(encode_base64url(msgspec.json.encode(contents))).decode()

    def read(self, token: str) -> T | None:
        """Return the contents of a token; None for any other text."""
        # itsdangerous reads base64 leniently, so that a signature would have many spellings.
        if decode_base64url(token.rpartition(_SEPARATOR)[2]) is None:
            return None
        try:
            return self._decoder.decode(decode_base64url(self._signer.unsign(token).decode()) or b"")
        except (BadData, UnicodeError, msgspec.DecodeError):
            return None
