"""Push to people's devices: through FCM, or onto a log of this machine."""

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
    """Connects at its first use. Raises ValueError where FCM's service account cannot be used."""
    if settings.push.transport == "fcm":
        return FcmPusher(settings.push, clock)
    return PushLog(Path(settings.home) / "push.log.jsonl", clock)
