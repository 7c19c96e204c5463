"""Errors of claims on Idempotency-Keys; clients never get them."""


class KeyAlreadyClaimed(Exception):
    """There is a claim on the key."""
