"""The documentation of the API, for people and programs: `/docs`, `/docs/errors` and `/llms.txt`."""
