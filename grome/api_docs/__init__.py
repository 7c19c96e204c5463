"""The documentation of the API, for people and programs: `/docs`, `/docs/guide`, `/docs/errors` and `/llms.txt`."""
