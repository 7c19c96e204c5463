"""Logs: loguru for our lines and those of Sanic, SAQ and the driver, readable or JSON, on standard error."""

import logging
import re
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import orjson
from loguru import logger

from config.sections.servers import LogSettings
from grome import installed_version

if TYPE_CHECKING:  # loguru's types live in its stub only
    from loguru import Message, Record

Reporter = Callable[["Record"], str | None]
# Takes each line of level ERROR, and returns the id of its report. None where no reports are wanted.
_reporter: Reporter | None = None
# The request that is being answered, so that each line about it can be found by its id.
request_id_of_lines: ContextVar[str | None] = ContextVar("request_id", default=None)
_JSON_LINE = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
# MongoDB's errors quote the document that was refused and the key that exists already.
_QUOTED_DOCUMENT = re.compile(r"(, full error: |dup key: ).*", re.DOTALL)
# These loggers report each command or each poll; their important faults arrive as exceptions.
# The loggers of AWS and Stripe also report the content of requests, with people's names and addresses.
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
    "stripe",
    "sentry_sdk",
)
# A receiver of reports or traces that is away must not fill the log, nor be reported to itself.
_SILENT = ("opentelemetry", "urllib3")


def configure_logging(settings: LogSettings) -> None:
    """Set up this process's logs. Safe to call again: the last call holds."""
    logger.remove()
    logger.configure(patcher=_prepare)
    # Without `diagnose`, which would write the values of local variables: passwords, tokens, whole documents.
    if settings.format == "json":
        logger.add(_write_json, level=settings.level, format="{message}", backtrace=False, diagnose=False)
    else:
        colours = sys.stderr.isatty()
        logger.add(_write, level=settings.level, format=_readable, colorize=colours, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_ToLoguru()], level=settings.level, force=True)
    for name in ("sanic.root", "sanic.error", "sanic.access", "sanic.server"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
        library.setLevel(settings.level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def log_start(environment: str, process: str) -> None:
    """Log that a process starts: the version, the environment, and its part, which all its lines name from now on."""
    version = installed_version()
    logger.configure(extra={"process": process})
    line = logger.bind(version=version, environment=environment)
    line.info("Grome {} starts as {} in {}", version, process, environment)


def _prepare(record: "Record") -> None:
    record["message"] = _QUOTED_DOCUMENT.sub(r"\1(left out)", record["message"])
    if known := request_id_of_lines.get():
        record["extra"].setdefault("request_id", known)
    if _reporter and record["level"].no >= logging.ERROR and (report_id := _reporter(record)):
        record["extra"]["report_id"] = report_id


def report_errors_to(reporter: Reporter | None) -> None:
    """Hand lines of level ERROR to `reporter`, which must not raise; None ends it."""
    global _reporter  # noqa: PLW0603 -- one for the process, as the logger is
    _reporter = reporter


def _readable(record: "Record") -> str:
    """The template of a line for a person. Only Grome begins a line in the log: text from outside cannot."""
    record["message"] = _on_one_line(record["message"])
    ours = " <dim>{extra[request_id]}</dim>" if "request_id" in record["extra"] else ""
    actor = " <dim>{extra[role]} {extra[actor]}</dim>" if "role" in record["extra"] else ""
    spent = " <dim>{extra[ms]} ms</dim>" if "ms" in record["extra"] else ""
    trace = ""
    if record["exception"]:
        record["extra"]["_trace"] = _traceback_of(record)
        trace = "\n{extra[_trace]}"
    return "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <7}</level> {message}" + spent + actor + ours + trace + "\n"


def _write(message: "Message") -> None:
    sys.stderr.write(message)


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
        line["exception"] = _traceback_of(record)
    sys.stderr.write(_encode(line).decode())


def _encode(line: dict[str, Any]) -> bytes:
    """Encode a line. Values that JSON cannot express are written as text, since a line must not be lost over them."""
    try:
        return orjson.dumps(line, default=str, option=_JSON_LINE)
    except TypeError:  # a lone surrogate, from bytes that are not UTF-8, or an integer of more than 64 bits
        texts = {name: str(value).encode(errors="backslashreplace").decode() for name, value in line.items()}
        return orjson.dumps(texts, option=_JSON_LINE)


def _traceback_of(record: "Record") -> str:
    """The frames, types and texts of an exception and its causes, indented, without values that MongoDB quotes."""
    error = record["exception"]
    if error is None or error.value is None:
        return ""
    # The standard library's traceback, since it never shows the values of local variables.
    lines = "".join(traceback.format_exception(error.value)).rstrip("\n").split("\n")
    return "\n".join("  " + _on_one_line(_QUOTED_DOCUMENT.sub(r"\1(left out)", line)) for line in lines)


def _on_one_line(text: str) -> str:
    """Escape line breaks and other control characters, which could forge a line or steer a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class _ToLoguru(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelno in {10, 20, 30, 40, 50} else record.levelno

        def under_its_own_name(line: "Record") -> None:
            line["name"] = record.name

        logger.opt(exception=record.exc_info).patch(under_its_own_name).log(level, "{}", record.getMessage())
