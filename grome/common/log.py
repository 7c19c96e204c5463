"""Logs: loguru for our lines and those of Sanic, SAQ and the driver, readable or JSON, on standard error."""

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec
from loguru import logger

from config.settings import LogSettings

if TYPE_CHECKING:  # loguru's types live in its stub only
    from loguru import Message, Record

# The request that is being answered, so that each line about it can be found by its id.
request_id_of_lines: ContextVar[str | None] = ContextVar("request_id", default=None)
_encode = msgspec.json.Encoder(enc_hook=str).encode
# They tell of each command or each poll; what matters of it reaches us as an exception.
# AWS's also of what is sent: people's numbers.
_CHATTY = (
    "saq",
    "pymongo",
    "asyncio",
    "httpx",
    "httpcore",
    "websockets",
    "botocore",
    "aiobotocore",
    "aioboto3",
    "fontTools",
)


def configure_logging(settings: LogSettings) -> None:
    """Set up this process's logs. Safe to call again: the last call holds."""
    logger.remove()
    logger.configure(patcher=_with_request_id)
    if settings.format == "json":
        logger.add(_write_json, level=settings.level)
    else:
        logger.add(sys.stderr, level=settings.level, format=_readable, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_ToLoguru()], level=settings.level, force=True)
    for name in ("sanic.root", "sanic.error", "sanic.access", "sanic.server"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
        library.setLevel(settings.level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _with_request_id(record: "Record") -> None:
    if known := request_id_of_lines.get():
        record["extra"].setdefault("request_id", known)


def _readable(record: "Record") -> str:
    ours = " <dim>{extra[request_id]}</dim>" if "request_id" in record["extra"] else ""
    spent = " <dim>{extra[ms]} ms</dim>" if "ms" in record["extra"] else ""
    return "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <7}</level> {message}" + spent + ours + "\n{exception}"


def _write_json(message: "Message") -> None:
    record = message.record
    line = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "message": record["message"],
        "logger": record["name"],
        "pid": record["process"].id,
        **record["extra"],
    }
    if record["exception"]:
        # The type, the text and the frames, but never the values of local variables: those may be secrets.
        line["exception"] = str(message).rstrip("\n").split("\n", 1)[-1]
    sys.stderr.write(_encode(line).decode() + "\n")


class _ToLoguru(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelno in {10, 20, 30, 40, 50} else record.levelno

        def under_its_own_name(line: "Record") -> None:
            line["name"] = record.name

        logger.opt(exception=record.exc_info).patch(under_its_own_name).log(level, "{}", record.getMessage())
