"""The page of the mailbox, and the content security policies of the page and of the mail in its frame."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined

from grome.infrastructure.http.csp import csp_hash
from grome.notifications.email.folder import MAX_LISTED, MailSummary, StoredMail

_SOURCE: Final = files("grome.dev.mailbox").joinpath("mailbox_page.html").read_text()
_PAGE: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_TEMPLATE: Final = _PAGE.from_string(_SOURCE)

PAGE_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"frame-src 'self'; img-src data:; style-src {csp_hash(_SOURCE, 'style')}"
)
# Links may open a new page, which is not under this policy; scripts never run.
FRAME_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; img-src data:; style-src 'unsafe-inline'"
)


def mailbox_page(lines: Sequence[MailSummary], letter: StoredMail | None) -> str:
    """Render the list of mails, with `letter` open beside it if given."""
    return _TEMPLATE.render(lines=lines, letter=letter, most=MAX_LISTED)
