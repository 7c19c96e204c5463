"""A software authenticator, as browsers talk to it: keys of ES256, and answers that a test can falsify."""

import base64
import hashlib
import os
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor

_USER_PRESENT, _USER_VERIFIED, _BACKUP_ELIGIBLE, _BACKED_UP, _HAS_KEY = 1, 4, 8, 16, 64


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One authenticator with one passkey. `counter` is the count of its last signature."""

    origin: str
    verifies_user: bool = True
    synced: bool = False
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: bytes = b""
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to `navigator.credentials.create`, as JSON."""
        self.user_handle = _bytes(options["user"]["id"])
        point = self.key.public_key().public_numbers()
        key = cbor.encode({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + key
        said = self._said(options["rp"]["id"], _HAS_KEY) + attested
        response = {
            "clientDataJSON": _text(self._client_data("webauthn.create", options["challenge"])),
            "attestationObject": _text(cbor.encode({"fmt": "none", "attStmt": {}, "authData": said})),
            "transports": ["internal", "hybrid", "smoke-signals"],
        }
        return self._credential(response)

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to `navigator.credentials.get`, as JSON."""
        self.counter += 0 if self.synced else 1
        said = self._said(options["rpId"], 0)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(said + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": _text(client_data),
            "authenticatorData": _text(said),
            "signature": _text(signature),
            "userHandle": _text(self.user_handle),
        }
        return self._credential(response)

    def _said(self, host: str, flags: int) -> bytes:
        flags |= _USER_PRESENT | (_USER_VERIFIED if self.verifies_user else 0)
        flags |= _BACKUP_ELIGIBLE | _BACKED_UP if self.synced else 0
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return msgspec.json.encode({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False})

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        known_as = _text(self.credential_id)
        return {
            "id": known_as,
            "rawId": known_as,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }
