"""Build the Content-Security-Policy of pages with inline script and style."""

import base64
import hashlib
import re


def csp_hash(page: str, element: str) -> str:
    """The source that admits exactly the page's own inline `script` or `style` element, written without attributes."""
    inline = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digest = hashlib.sha256((inline[1] if inline else "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
