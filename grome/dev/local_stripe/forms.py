"""Decode form-encoded params with nested brackets: `a[b][0]=c` becomes `{"a": {"b": ["c"]}}`."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from grome.dev.local_stripe.errors import Json, malformed

_PART: Final = re.compile(r"\[([^\[\]]*)\]")


def decode_form(text: str) -> Json:
    tree: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, bracket, _ = name.partition("[")
        keys = [head, *_PART.findall(name[len(head) :])] if bracket else [name]
        node = tree
        for key in keys[:-1]:
            node = node.setdefault(_key(node, key), {})
            if not isinstance(node, dict):
                raise malformed(f"Invalid object: {name}", None, head)
        node[_key(node, keys[-1])] = value
    return {key: _lists(value) for key, value in tree.items()}


def _key(node: Json, key: str) -> str:
    return key or str(len(node))


def _lists(node: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if not isinstance(node, dict):
        return node
    values = [_lists(value) for value in node.values()]
    if node and all(key.isdigit() for key in node):
        return values
    return dict(zip(node, values, strict=True))
