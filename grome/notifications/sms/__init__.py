"""Send text messages through Amazon SNS, or append them to a local file."""

from pathlib import Path

from config.settings import Settings
from grome.common.clock import Clock, system_clock
from grome.notifications.sms.local import SmsLine, SmsLog
from grome.notifications.sms.sender import SmsFailedError, SmsSender

__all__ = ["SmsFailedError", "SmsLine", "SmsLog", "SmsSender", "open_sms"]


def open_sms(settings: Settings, clock: Clock = system_clock) -> SmsSender:
    """Create the transport. It connects at its first use."""
    if settings.sms.transport == "sns":
        from grome.notifications.sms.sns import SnsSender  # noqa: PLC0415 -- the SDK costs every process 20 MB and 0.6 s

        return SnsSender(settings.sms, clock)
    return SmsLog(Path(settings.home) / "sms.log.jsonl", clock)
