"""Start the observers of a process: reports of errors, and traces."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.settings import Settings
from grome.infrastructure.error_reports import ErrorReports, start_reports
from grome.infrastructure.tracing.spans import trace_with

if TYPE_CHECKING:
    from grome.infrastructure.tracing.open_telemetry import OpenTelemetry


@dataclass(frozen=True, slots=True)
class Observers:
    reports: ErrorReports | None
    traces: "OpenTelemetry | None"

    def close(self) -> None:
        """Send the rest; takes a second and a half at most."""
        if self.traces:
            trace_with(None)
            self.traces.close()
        if self.reports:
            self.reports.close()


def start_observing(settings: Settings) -> Observers:
    """Start the observers that the settings name. Called before Sanic's application is made."""
    return Observers(start_reports(settings), _start_traces(settings))


def _start_traces(settings: Settings) -> "OpenTelemetry | None":
    if not settings.traces.endpoint:
        return None
    from grome.infrastructure.tracing.open_telemetry import OpenTelemetry  # noqa: PLC0415 -- where it is wanted only

    traces = OpenTelemetry(settings)
    trace_with(traces)
    return traces
