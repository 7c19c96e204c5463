"""The dashboard's pages, their content security policies, and SAQ's files."""

import gzip
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from saq.web.common import STATIC_PATH

from grome.accounts.errors import Challenge
from grome.factors.models import FactorKind
from grome.factors.schemas import PasskeyCeremony
from grome.infrastructure.http.csp import csp_hash
from grome.infrastructure.http.responses import encode
from grome.infrastructure.jobs.schemas import JobPage, JobQuery

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


@cache
def dashboard_assets() -> dict[str, bytes]:
    """Load files by the names that SAQ's page requests; its package holds some of them only compressed."""
    assets = {}
    for path in STATIC_PATH.iterdir():
        content = path.read_bytes()
        assets[path.name.removesuffix(".gz")] = gzip.decompress(content) if path.suffix == ".gz" else content
    # In SAQ 0.26 the link from a job to its queue ignores that the dashboard is not mounted at the root.
    assets["app.js"] = assets["app.js"].replace(b'href: "/queues/" +', b'href: root_path + "/queues/" +')
    return assets


_LOGIN_PAGE = _TEMPLATES.get_template("login_page.html")
_SECOND_STEP_PAGE = _TEMPLATES.get_template("second_step_page.html")
DASHBOARD_PAGE: Final = _TEMPLATES.get_template("dashboard_page.html").render()
_DEAD_PAGE = _TEMPLATES.get_template("dead_page.html")

_ANY_TYPE = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:"
# Hashed with any values: the style and the script have none.
_STEPS = (
    _LOGIN_PAGE.render(refusal=""),
    _SECOND_STEP_PAGE.render(challenge="", prompt="", passkey=None, refusal=""),
)
LOGIN_POLICY: Final = f"{_ANY_TYPE}; style-src {csp_hash(_STEPS[0], 'style')}"
SECOND_STEP_POLICY: Final = f"{LOGIN_POLICY}; script-src {csp_hash(_STEPS[1], 'script')}"
DASHBOARD_POLICY: Final = (
    f"{_ANY_TYPE}; connect-src 'self'; script-src 'self' {csp_hash(DASHBOARD_PAGE, 'script')}; "
    f"style-src 'self' {csp_hash(DASHBOARD_PAGE, 'style')}; require-trusted-types-for 'script'; trusted-types 'none'"
)
# It has no script, and its style is the dashboard's.
DEAD_POLICY: Final = f"{_ANY_TYPE}; style-src 'self' {csp_hash(DASHBOARD_PAGE, 'style')}"


def login_page(refusal: str = "") -> str:
    return _LOGIN_PAGE.render(refusal=refusal)


def second_step_page(challenge: Challenge, passkey: PasskeyCeremony | None, refusal: str = "") -> str:
    """Render the form for the second step; `passkey` begins a ceremony if the account has passkeys."""
    return _SECOND_STEP_PAGE.render(
        challenge=challenge.challenge,
        prompt="Code of your app, or recovery code" if FactorKind.TOTP in challenge.kinds else "Recovery code",
        passkey={"ceremony": passkey.ceremony, "options": encode(passkey.options).decode()} if passkey else None,
        refusal=refusal,
    )


def dead_page(query: JobQuery, page: JobPage, refusal: str = "") -> str:
    """Render the list for `query`; `refusal` is the reason why the last action failed."""
    kind = {"kind": query.kind} if query.kind else {}
    return _DEAD_PAGE.render(
        page=page,
        kind=query.kind,
        newest=query.cursor is None,
        here=query_string(query),
        first=urlencode(kind),
        older=urlencode({**kind, "cursor": page.next_cursor}) if page.next_cursor else "",
        refusal=refusal,
    )


def query_string(query: JobQuery) -> str:
    """Build the query string of the same page."""
    return urlencode({name: value for name in ("kind", "cursor") if (value := getattr(query, name))})
