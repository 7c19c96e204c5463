"""The documentation of the API, for people and programs."""
