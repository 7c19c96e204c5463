"""Checks of structure and language that no linter has: `python -m checks`.

`tiers.py` holds the tables of allowed imports, and `imports.py` applies them. `language.py` applies the rules for
docstrings, comments and Markdown. `contract.py` compares the API and the database before and after a change.
"""
