"""Sentences about errors outside the code: of settings, servers and arguments."""

import re

from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from config.settings import SettingsError
from grome.common.errors import ApiError
from grome.dev.embedded import CannotStart
from grome.infrastructure.backup.errors import BackupError

# Codes of MongoDB.
_UNAUTHORIZED, _AUTHENTICATION_FAILED = 13, 18


def sentences_of(error: Exception) -> list[str]:
    """Return sentences about an error outside the code; an empty list for any other error."""
    match error:
        case SettingsError(faults=faults):
            return faults
        case CannotStart() | ApiError() | BackupError():
            return [str(error)]
        case PyMongoError():
            return [mongo_sentence(error)]
        case RedisError():
            return [redis_sentence(error)]
        case _:
            return []


def mongo_sentence(error: PyMongoError) -> str:
    """Name the fault of MongoDB or its URL, without any part of a password."""
    text = str(error)
    if isinstance(error, ConfigurationError):
        reason = f": {text.rstrip('.')}" if "@" not in text else ""
        return f"GROME_MONGO_URL cannot be used{reason}."
    if isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED:
        return "MongoDB refuses the user name or the password in GROME_MONGO_URL."
    if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
        return "MongoDB lets the user in GROME_MONGO_URL not do this: give it the roles readWrite and dbAdmin."
    if found := re.search(r'replica set name "([^"]+)"', text):
        return (
            f"No server in GROME_MONGO_URL belongs to the replica set {found[1]!r}:"
            " correct replicaSet=… in the URL, or its hosts."
        )
    if isinstance(error, ServerSelectionTimeoutError | ConnectionFailure):
        return f"MongoDB cannot be reached{_reason(text)}. Does it run, and is GROME_MONGO_URL right?"
    return f"MongoDB does not answer as expected ({type(error).__name__}); is GROME_MONGO_URL right?"


def redis_sentence(error: RedisError, setting: str = "GROME_REDIS_URL") -> str:
    """Name the fault of Valkey or its URL, without any part of a password."""
    if isinstance(error, AuthenticationError | NoPermissionError):
        return f"Valkey refuses the user name or the password in {setting}."
    return f"Valkey cannot be reached{_reason(str(error))}. Does it run, and is {setting} right?"


def _reason(text: str) -> str:
    """Pick the address and the cause out of a driver's message, where it has them."""
    if found := re.search(r"SSL handshake failed: ([^\s,]+:\d+)", text):
        return f": {found[1]} does not speak TLS as asked"
    if found := re.search(r"([^\s,]+:\d+): \[Errno (-?\d+)\] (.+?)(?: \(|$)", text):
        return f": {found[1]}: {_cause(found[3])}"
    if found := re.search(r"connecting to ([^\s,]+:\d+)\. (.+?)(?: \(|\.?$)", text):
        return f": {found[1]}: {_cause(found[2])}"
    return ""


def _cause(text: str) -> str:
    return "connection refused" if text.startswith("Connect call failed") else text.lower()
