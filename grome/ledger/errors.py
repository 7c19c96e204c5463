"""Errors of the ledger. All of them are faults of the platform; none is an answer to a client."""


class LedgerConflictError(Exception):
    """An entry with the same id or the same balance transaction, but with other content, is already posted."""


class UnbalancedEntryError(ValueError):
    """The lines of an entry do not add up to 0."""
