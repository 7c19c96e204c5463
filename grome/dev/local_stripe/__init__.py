"""A Stripe-shaped server on 127.0.0.1, for development and tests; it imports nothing else of Grome."""
