"""Keep the first answer to a creating request for a repeat of the request.

A feature stores the encoded answer in its document, in the same write that creates the document. A repeat gets the same
bytes, regardless of later changes.
"""

import hashlib
from typing import Final

import msgspec

# An answer that is already encoded; encoding it gives its own bytes.
Encoded = msgspec.Raw
# The projection of every reading of a document that has a `first_answer`, but for the look-up for a repeat.
WITHOUT_FIRST_ANSWER: Final = {"first_answer": 0}


def fingerprint_of(wanted: msgspec.Struct, about: bytes = b"") -> bytes:
    """Return the SHA-256 of a request; equal requests have the same fingerprint, however their JSON was written."""
    return hashlib.sha256(msgspec.json.encode(wanted) + about).digest()
