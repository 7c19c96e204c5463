"""Record commands of MongoDB as spans: the command and its collection, and nothing of its documents."""

from typing import Final

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from grome.infrastructure.tracing.spans import past_span, traceparent

_MAX_NAME: Final = 120


class CommandSpans(CommandListener):
    """Is called by the driver in the task of the command, and so in its trace."""

    def __init__(self) -> None:
        self._collections: dict[int, str] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if traceparent():
            named = event.command.get("collection") or event.command.get(event.command_name)
            self._collections[event.request_id] = named[:_MAX_NAME] if isinstance(named, str) else ""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._end(event, "")

    def failed(self, event: CommandFailedEvent) -> None:
        self._end(event, str(event.failure.get("codeName") or "failed"))

    def _end(self, event: CommandSucceededEvent | CommandFailedEvent, error: str) -> None:
        collection = self._collections.pop(event.request_id, None)
        if collection is None:
            return
        attributes = {"db.system.name": "mongodb", "db.operation.name": event.command_name}
        if collection:
            attributes["db.collection.name"] = collection
        past_span(f"{event.command_name} {collection}".strip(), event.duration_micros / 1e6, attributes, error)
