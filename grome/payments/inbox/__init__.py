"""The inbox of events from Stripe: each is stored once, answered at once, and handled by a job.

An event names an object, and its handler fetches the object afresh, so that duplicates, disorder and delays of events
change nothing.
"""
