"""Send messages in a process: `python -m tests.notifications.sending DEVICE PHONE ID…`.

After each id it writes a line: the id, the error of the push and the error of the text, or `-`.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable

from config.loading import load_settings
from grome.infrastructure.jobs.errors import RetryLaterError, UndeliverableError
from grome.infrastructure.logs import configure_logging
from grome.notifications.push import Push, Pusher, PushFailedError, open_pusher
from grome.notifications.sms import SmsFailedError, open_sms


async def main(device: str, phone: str, *ids: str) -> None:
    settings = load_settings(os.environ)
    configure_logging(settings.log)
    pusher, sms = open_pusher(settings), open_sms(settings)
    for id_ in ids:
        pushed = await error_of(push(pusher, device, id_))
        texted = await error_of(sms.send(phone, f"text {id_}", id_))
        print(id_, pushed, texted, flush=True)  # noqa: T201 -- how it is watched
    await pusher.aclose()
    await sms.aclose()


async def push(pusher: Pusher, device: str, id_: str) -> None:
    result = await pusher.send([device], Push(id=id_, title="Title", body=f"push {id_}", data={"link": "grome://x"}))
    result.raise_for_failed()


async def error_of(sending: Awaitable[object]) -> str:
    try:
        await sending
    except (UndeliverableError, RetryLaterError, PushFailedError, SmsFailedError) as fault:
        return f"{type(fault).__name__}({fault})".replace(" ", "_")
    return "-"


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
