"""The demo's accounts for signing in: their names, and `/docs/demo-accounts`, where the docs page finds them."""
