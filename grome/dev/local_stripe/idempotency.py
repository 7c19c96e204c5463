"""Answers stored by idempotency key, as the API's two versions do it."""

import hashlib
import json
from typing import Final

from grome.dev.local_stripe.errors import Json, UnstoredError, conflict, malformed
from grome.dev.local_stripe.state import State

_MAX_LENGTH: Final = 255
_DAY_S: Final = 86_400
_KEPT_S: Final = {"v1": _DAY_S, "v2": 30 * _DAY_S}
_OK: Final = 400


class Keys:
    """The keys in flight and the stored answers. v2 stores no errors: a retry executes again."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._in_flight: set[str] = set()

    def begin(self, key: str, method: str, path: str, account: str | None, sent: Json) -> "Attempt":
        """Claim a key. The attempt holds the stored answer, if there is one.

        Raises `idempotency_key_in_use` while another request has it, and `idempotency_error` for other params.
        """
        if len(key) > _MAX_LENGTH:
            raise malformed(f"Idempotency keys are at most {_MAX_LENGTH} characters", None, None)
        version = path.split("/")[1]
        attempt = Attempt(f"{version}:{account or ''}:{key}", _digest(method, path, sent))
        if attempt.id in self._in_flight:
            raise conflict("idempotency_key_in_use", "Another request with this idempotency key is being processed")
        if stored := self._state.store.find("_key", attempt.id):
            if stored["at"] + _KEPT_S.get(version, _DAY_S) <= self._state.now():
                self._state.store.delete(stored)
            elif stored["digest"] != attempt.digest:
                raise UnstoredError(
                    400,
                    "idempotency_error",
                    None,
                    f"Keys can only be used with the same parameters and path they were first used with: '{key}'",
                )
            else:
                attempt.stored = stored
                return attempt
        self._in_flight.add(attempt.id)
        return attempt

    def store(self, attempt: "Attempt", status: int, body: Json) -> None:
        if status >= _OK and attempt.id.startswith("v2:"):
            return
        self._state.store.put(
            {
                "id": attempt.id,
                "object": "_key",
                "digest": attempt.digest,
                "at": self._state.now(),
                "status": status,
                "body": body,
            }
        )

    def end(self, attempt: "Attempt") -> None:
        self._in_flight.discard(attempt.id)


class Attempt:
    """A claim on a key."""

    def __init__(self, key_id: str, digest: str) -> None:
        self.id, self.digest = key_id, digest
        self.stored: Json | None = None


def _digest(method: str, path: str, sent: Json) -> str:
    text = json.dumps([method, path, sent], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
