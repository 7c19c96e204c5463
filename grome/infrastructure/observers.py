"""Start the observers of a process: reports of errors."""

from msgspec import Struct

from config.settings import Settings
from grome.infrastructure.error_reports import ErrorReports, start_reports


class Observers(Struct, frozen=True):
    reports: ErrorReports | None

    def close(self) -> None:
        """Send the rest; takes half a second at most."""
        if self.reports:
            self.reports.close()


def start_observing(settings: Settings) -> Observers:
    """Start the observers that the settings name. Called before Sanic's application is made."""
    return Observers(start_reports(settings))
