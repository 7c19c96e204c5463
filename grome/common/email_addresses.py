"""Mail addresses in the one form in which they are stored, compared and sent to.

The local part is compared in lower case and in NFC. RFC 5321 leaves its case to the receiving server, but no server in
use keeps two mailboxes apart by it. A domain is stored in Unicode, as people read it, and sent to by its A-label, both
by IDNA 2008 with the mapping of UTS #46, non-transitional: `straße` and `strasse` are two domains.
"""

import re
import unicodedata
from typing import Final

import idna
from email_validator import EmailNotValidError, validate_email

from grome.common.characters import IGNORABLE

_MAX_LOCAL_BYTES: Final = 64  # RFC 5321, section 4.5.3.1.1
_MAX_BYTES: Final = 254  # the limit of a path in RFC 5321, section 4.5.3.1.3
_MAX_DOMAIN, _MAX_LABEL = 253, 63
_UNSEEN: Final = re.compile(rf"[\s\x00-\x1f\x7f-\x9f{IGNORABLE}]")


def normalize_email(text: str) -> str:
    """Return the stored form. Raises ValueError for an address that no mail can be sent to.

    Quoted local parts, addresses of hosts by number, and domains that are reserved for other uses are refused.
    """
    if _UNSEEN.search(text):
        raise ValueError("has a character that cannot be seen")
    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError("is not an address that mail can be sent to") from None
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", checked.local_part).lower())
    if len(local.encode()) > _MAX_LOCAL_BYTES or len(local.encode()) + 1 + len(checked.ascii_domain) > _MAX_BYTES:
        raise ValueError("is longer than a mail address can be")
    return f"{local}@{checked.domain}"


def email_forms(text: str) -> list[str]:
    """The forms under which an account may be stored: as typed, as earlier releases did, and the normal form."""
    typed = text.lower()
    try:
        return list(dict.fromkeys((typed, normalize_email(text))))
    except ValueError:
        return [typed]


def ascii_domain(domain: str) -> str:
    """The domain as mail servers and resolvers take it: A-labels in lower case. Raises ValueError."""
    if _is_plain(domain):
        labels = domain.split(".")
        if len(domain) > _MAX_DOMAIN or any(not 0 < len(label) <= _MAX_LABEL for label in labels):
            raise ValueError("has a domain that is too long or has an empty part")
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except UnicodeError:  # idna's own error is one
        raise ValueError("has a domain that is not a name of the internet (IDNA 2008)") from None


def _is_plain(domain: str) -> bool:
    """Whether IDNA has nothing to say. It would refuse an underscore, which some names in use have."""
    return domain.isascii() and "xn--" not in domain.lower()
