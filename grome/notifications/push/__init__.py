"""Send push messages through FCM, or append them to a local file."""

from pathlib import Path

from config.settings import Settings
from grome.common.clock import Clock, system_clock
from grome.notifications.push.fcm import FcmPusher
from grome.notifications.push.local import PushLine, PushLog
from grome.notifications.push.messages import Failed, Push, Pusher, PushFailedError, PushResult

__all__ = [
    "Failed",
    "Push",
    "PushFailedError",
    "PushLine",
    "PushLog",
    "PushResult",
    "Pusher",
    "open_pusher",
]


def open_pusher(settings: Settings, clock: Clock = system_clock) -> Pusher:
    """Create the transport, which connects at its first use. Raises ValueError if FCM's service account is invalid."""
    if settings.push.transport == "fcm":
        return FcmPusher(settings.push, clock)
    return PushLog(Path(settings.home) / "push.log.jsonl", clock)
