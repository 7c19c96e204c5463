"""Origins of web pages that may open live connections."""

from urllib.parse import urlsplit

from config.sections.messages import LiveSettings
from config.sections.servers import HttpSettings


class AllowedOrigins:
    """Knows the listed origins, or without a list those of the API and the app.

    Browsers let any page open a WebSocket to any host, and send the page's origin with it.
    """

    def __init__(self, live: LiveSettings, http: HttpSettings) -> None:
        listed = [item.strip() for item in live.origins.split(",") if item.strip()]
        self._origins = frozenset(listed or [http.api_base, http.app_base])

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Return whether the origin may connect. A page of `host`, the API's own, may, and so may other programs."""
        return origin is None or origin in self._origins or urlsplit(origin).netloc == host
