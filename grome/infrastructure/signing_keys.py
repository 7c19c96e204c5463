"""The Ed25519 keys that sign on behalf of Grome: the current key, and old keys that only verify."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from config.keys import split_pems


def load_signing_key(pem: str) -> Ed25519PrivateKey:
    """Raises TypeError for a private key of another kind, and ValueError for text that is not a private key."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("GROME_ACCOUNTS_SIGNING_KEY is not an Ed25519 private key")
    return key


def key_id(public: Ed25519PublicKey) -> str:
    """Return the id of a key, by which tokens and signatures name it."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


class SigningKeys:
    """Signs by the current key, and verifies by all keys. Each key is known by an id that follows from it."""

    def __init__(self, current: str, others: str = "") -> None:
        """Take the current key, and keys that only verify, in PEM. Raises like load_signing_key."""
        self.pems = [current, *split_pems(others)]
        self.private = load_signing_key(current)
        publics = [self.private.public_key(), *(load_signing_key(pem).public_key() for pem in self.pems[1:])]
        self.publics = {key_id(public): public for public in publics}
        self.kid = next(iter(self.publics))

    def sign(self, said: bytes) -> bytes:
        """Return the signature by the current key, which has 64 bytes."""
        return self.private.sign(said)

    def is_signed(self, said: bytes, signature: bytes, kid: str) -> bool:
        """Return whether the key `kid` made the signature; False for an unknown key."""
        public = self.publics.get(kid)
        if public is None:
            return False
        try:
            public.verify(signature, said)
        except InvalidSignature:
            return False
        return True
