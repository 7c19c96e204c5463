"""Report lines of level ERROR to Sentry, without personal data: bugs, dead jobs, and processes that died.

A report has the type of the exception and its stack, but neither texts nor values of variables, since both can quote
requests and documents. Its id is in the log line (`report_id`), which tells the rest.
"""

import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from config.settings import Settings
from grome import installed_version
from grome.infrastructure.logs import report_errors_to

if TYPE_CHECKING:
    from types import TracebackType

    from loguru import Record
    from sentry_sdk import Client
    from sentry_sdk.types import Event

# Reports of one fingerprint that a process sends in a minute; the log has the others.
MAX_A_MINUTE: Final = 10
_MAX_FINGERPRINTS: Final = 500
_MAX_FRAMES: Final = 50
_MAX_CAUSES: Final = 5
_FLUSH_SECONDS: Final = 0.5
_ROOT: Final = Path(__file__).parents[2]
# Fields of a log line that a report has as tags: ids of requests and events, and words of our own.
TAGS: Final = ("process", "request_id", "route", "job_kind", "event_id", "trace_id")


class ErrorReports:
    """Sends reports from a thread of Sentry's client. They are lost without a word while Sentry is away."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._recent: OrderedDict[tuple[str, ...], tuple[int, int]] = OrderedDict()

    def report(self, record: "Record") -> str | None:
        """Send a report of the line and return its id, or None if there were too many of its kind. Never raises."""
        try:
            event = event_of(record)
            if not self._spend(tuple(event["fingerprint"]), int(time.monotonic() // 60)):
                return None
            self._client.capture_event(cast("Event", event))
        # Any error is dropped: it would be logged, and so reported again.
        except Exception:  # noqa: BLE001
            return None
        return str(event["event_id"])

    def close(self) -> None:
        """Send the last reports, for half a second at most, and take no more."""
        report_errors_to(None)
        self._client.close(timeout=_FLUSH_SECONDS)

    def _spend(self, fingerprint: tuple[str, ...], minute: int) -> bool:
        since, sent = self._recent.pop(fingerprint, (minute, 0))
        if since != minute:
            sent = 0
        self._recent[fingerprint] = (minute, sent + 1)
        if len(self._recent) > _MAX_FINGERPRINTS:
            self._recent.popitem(last=False)
        return sent < MAX_A_MINUTE


def start_reports(settings: Settings) -> ErrorReports | None:
    """Report the errors of this process from now on, or return None without GROME_SENTRY_DSN."""
    if not settings.sentry.dsn:
        return None
    from sentry_sdk import Client  # noqa: PLC0415 -- loaded where it is wanted only

    client = Client(
        dsn=settings.sentry.dsn,
        release=f"grome@{installed_version()}",
        environment=settings.env,
        # Without integrations, which would read requests, arguments and local variables.
        default_integrations=False,
        auto_enabling_integrations=False,
        max_request_body_size="never",
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        before_send=_without_the_rest,
    )
    reports = ErrorReports(client)
    report_errors_to(reports.report)
    return reports


def event_of(record: "Record") -> dict[str, Any]:
    """Return the event of a log line in Sentry's form."""
    where = f"{record['name']}.{record['function']}"
    error = record["exception"].value if record["exception"] else None
    causes = _causes_of(error)
    extra = record["extra"]
    event: dict[str, Any] = {
        "event_id": uuid4().hex,
        "timestamp": record["time"].timestamp(),
        "platform": "python",
        "level": record["level"].name.lower(),
        "logger": record["name"],
        "transaction": extra.get("route") or extra.get("job_kind") or where,
        "tags": {name: str(extra[name]) for name in TAGS if extra.get(name)},
        "fingerprint": [where, *(type(cause).__name__ for cause in causes), *_last_frame(error)],
    }
    if causes:
        # Sentry wants the first cause first.
        event["exception"] = {"values": [_value_of(cause) for cause in reversed(causes)]}
    else:
        event["message"] = where
    return event


def _causes_of(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes and len(causes) < _MAX_CAUSES:
        causes.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return causes


def _value_of(error: BaseException) -> dict[str, Any]:
    frames = [
        {
            "filename": _shown(code.co_filename),
            "function": code.co_name,
            "lineno": line,
            "in_app": _is_ours(code.co_filename),
        }
        for code, line in _frames_of(error.__traceback__)
    ]
    kind = type(error)
    return {"type": kind.__qualname__, "module": kind.__module__, "stacktrace": {"frames": frames[-_MAX_FRAMES:]}}


def _frames_of(trace: "TracebackType | None") -> list[tuple[Any, int]]:
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame.f_code, trace.tb_lineno))
        trace = trace.tb_next
    return frames


def _last_frame(error: BaseException | None) -> list[str]:
    """Return file and function of the last frame of ours: a bug has one fingerprint on all its ways."""
    ours = [code for code, _ in _frames_of(error.__traceback__ if error else None) if _is_ours(code.co_filename)]
    return [_shown(ours[-1].co_filename), ours[-1].co_name] if ours else []


def _is_ours(path: str) -> bool:
    return path.startswith(str(_ROOT)) and "site-packages" not in path


def _shown(path: str) -> str:
    """Return the path from the folder of the package on, since paths can name accounts of the machine."""
    _, packages, library = path.rpartition("site-packages/")
    if packages:
        return library
    return str(Path(path).relative_to(_ROOT)) if path.startswith(str(_ROOT)) else Path(path).name


def _without_the_rest(event: Any, _hint: Any) -> Any:  # noqa: ANN401 -- Sentry's types
    """Drop all that Sentry's client has added, such as the name of the machine."""
    return {name: value for name, value in event.items() if name in _SENT}


_SENT: Final = frozenset(
    {"event_id", "timestamp", "platform", "level", "logger", "transaction", "tags", "fingerprint", "exception"}
    | {"message", "release", "environment"}
)
