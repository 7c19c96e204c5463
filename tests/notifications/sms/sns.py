"""Fake SNS with the responses that moto never gives."""

import asyncio
from collections import deque
from urllib.parse import parse_qs

from grome.notifications.sms.local import FAILURES
from tests.builders.http_server import HttpServer, ReceivedRequest, Reply

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"


def accepted(message_id: str) -> Reply:
    result = f"<PublishResult><MessageId>{message_id}</MessageId></PublishResult>"
    return Reply(200, f'<PublishResponse xmlns="{NAMESPACE}">{result}</PublishResponse>'.encode())


def refused(code: str, status: int, message: str = "No.", retry_after: str = "") -> Reply:
    """Return a refusal with a message that contains the number, as SNS's can."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<ErrorResponse xmlns="{NAMESPACE}">{error}<RequestId>r</RequestId></ErrorResponse>'
    return Reply(status, body.encode(), {"Retry-After": retry_after} if retry_after else {})


class FakeSns:
    """Stores requests in `forms` and replies from `script` first; None hangs."""

    def __init__(self) -> None:
        self.server = HttpServer(self._answer)
        self.forms: list[dict[str, str]] = []
        self.script: deque[Reply | None] = deque()

    async def _answer(self, asked: ReceivedRequest) -> Reply | None:
        form = {name: value for name, [value] in parse_qs(asked.body.decode()).items()}
        self.forms.append(form)
        if self.script:
            told = self.script.popleft()
            return told or await asyncio.Event().wait() or None
        phone = form["PhoneNumber"]
        if failure := FAILURES.get(phone):
            return refused(*failure, message=f"Invalid parameter: PhoneNumber Reason: {phone} is not valid")
        return accepted(f"message-{len(self.forms)}")
