"""Fake Google's token server and FCM over HTTP, with checked signatures and a log."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from grome.common.clock import Clock
from tests.builders.http_server import HttpServer, ReceivedRequest, Reply

EMAIL, KEY_ID, PROJECT = "sender@shop.invalid", "key-1", "shop"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Fault(Enum):
    CUT = auto()  # the connection ends before the message is taken
    LOST = auto()  # the message is taken, and its answer lost
    HANG = auto()


def fcm_error(status: int, canonical: str, code: str = "", **more: str) -> Reply:
    """Return an error in FCM's format; `violation` names the invalid field."""
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    if violation := more.get("violation"):
        details.append(
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": violation}]}
        )
    error = {"code": status, "message": more.get("message", "No."), "status": canonical, "details": details}
    return Reply(status, msgspec.json.encode({"error": error}))


def with_retry_after(reply: Reply, text: str) -> Reply:
    return Reply(reply.status, reply.body, {"Retry-After": text})


BY_BEGINNING = {
    "gone-": fcm_error(404, "NOT_FOUND", "UNREGISTERED"),
    "foreign-": fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    "broken-": fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", violation="message.token"),
    "busy-": with_retry_after(fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "30"),
    "down-": fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"),
}


class Google:
    """Logs each accepted message in `accepted`, in order.

    A device or the token server first follows its script, then its default behaviour.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.server = HttpServer(self._answer)
        self.accepted: list[dict[str, Any]] = []
        self.posts = 0
        self.token_requests = 0
        self.good_tokens: set[str] = set()
        self.takes_s = 0.0
        self.tokens_script: deque[Reply | Fault] = deque()
        self.script: defaultdict[str, deque[Reply | Fault]] = defaultdict(deque)

    @property
    def account(self) -> dict[str, str]:
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "client_email": EMAIL,
            "private_key_id": KEY_ID,
            "private_key": PEM,
            "token_uri": f"{self.server.url}/token",
        }

    def accepted_tokens(self) -> list[str]:
        return [message["token"] for message in self.accepted]

    async def _answer(self, asked: ReceivedRequest) -> Reply | None:
        assert asked.method == "POST"
        if asked.path == "/token":
            self.token_requests += 1
            return await self._play(self.tokens_script, lambda: self._grant(asked))
        assert asked.path == f"/v1/projects/{PROJECT}/messages:send"
        self.posts += 1
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.good_tokens:
            return fcm_error(401, "UNAUTHENTICATED")
        message = msgspec.json.decode(asked.body)["message"]
        return await self._play(self.script[message["token"]], lambda: self._take(message))

    async def _play(self, script: deque[Reply | Fault], usual: Callable[[], Reply]) -> Reply | None:
        await asyncio.sleep(self.takes_s)
        match script.popleft() if script else None:
            case None:
                return usual()
            case Reply() as told:
                return told
            case Fault.HANG:
                await asyncio.Event().wait()
            case Fault.LOST:
                usual()
        return None

    def _grant(self, asked: ReceivedRequest) -> Reply:
        form = {name: value for name, [value] in parse_qs(asked.body.decode()).items()}
        assertion, now = form["assertion"], int(self._clock().timestamp())
        options = {"verify_exp": False, "verify_iat": False}  # checked below, by the clock of the test
        try:
            claims = jwt.decode(
                assertion, KEY.public_key(), ["RS256"], options, issuer=EMAIL, audience=self.account["token_uri"]
            )
        except jwt.InvalidTokenError:
            return Reply(400, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}')
        if (
            form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer"
            or jwt.get_unverified_header(assertion)["kid"] != KEY_ID
            or claims["scope"] != SCOPE
            or abs(claims["iat"] - now) > 5
            or not 0 < claims["exp"] - claims["iat"] <= 3600
        ):
            return Reply(400, b'{"error": "invalid_scope"}')
        token = f"access-{self.token_requests}"
        self.good_tokens.add(token)
        return Reply(200, msgspec.json.encode({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))

    def _take(self, message: dict[str, Any]) -> Reply:
        token = message["token"]
        for beginning, refused in BY_BEGINNING.items():
            if token.startswith(beginning):
                return refused
        if len(msgspec.json.encode((message["notification"], message["data"]))) > 4096:
            return fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message="Message is too big")
        self.accepted.append(message)
        name = f"projects/{PROJECT}/messages/{len(self.accepted)}"
        return Reply(200, msgspec.json.encode({"name": name}))
