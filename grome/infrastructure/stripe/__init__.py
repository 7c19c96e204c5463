"""Stripe's API through its SDK: one method for each call, with our own value types and errors.

Amounts are ISO 4217 minor units on our side; `units` converts them at this boundary. Every call that writes takes the
idempotency key of its attempt.
"""
