"""How a try ends other than well."""


class GiveUpError(Exception):
    """Raised by a job that no further try can help: it is dead at once, for the reason given."""


class LaterError(Exception):
    """Raised by a job that was told when to come again, e.g. by `Retry-After`."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds
