"""Checks of structure and language that no linter has: `python -m checks`.

`tiers.py` holds the tables of what may import what, `imports.py` applies them. `language.py` applies the rules for
docstrings, comments and Markdown. `contract.py` compares what clients and the database see before and after a change.
"""
