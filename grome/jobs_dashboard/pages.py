"""The dashboard's pages, the policies that they work under, and SAQ's files. Read once, when the module is imported."""

import gzip
from importlib.resources import files
from typing import Final

from saq.web.common import STATIC_PATH

from grome.common.http.content_policy import hash_of


def _page(name: str) -> str:
    return files("grome.jobs_dashboard").joinpath(name).read_text()


def _assets() -> dict[str, bytes]:
    """By the names under which SAQ's page asks for them; some lie in its package compressed only."""
    assets = {}
    for path in STATIC_PATH.iterdir():
        content = path.read_bytes()
        assets[path.name.removesuffix(".gz")] = gzip.decompress(content) if path.suffix == ".gz" else content
    # A job's link to its queue forgets, as of SAQ 0.26, that the dashboard is not mounted at the root.
    assets["app.js"] = assets["app.js"].replace(b'href: "/queues/" +', b'href: root_path + "/queues/" +')
    return assets


ASSETS: Final = _assets()
LOGIN_PAGE: Final = _page("login_page.html")
DASHBOARD_PAGE: Final = _page("dashboard_page.html")

_BOTH = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:"
LOGIN_POLICY: Final = f"{_BOTH}; style-src {hash_of(LOGIN_PAGE, 'style')}"
DASHBOARD_POLICY: Final = (
    f"{_BOTH}; connect-src 'self'; script-src 'self' {hash_of(DASHBOARD_PAGE, 'script')}; "
    f"style-src 'self' {hash_of(DASHBOARD_PAGE, 'style')}; require-trusted-types-for 'script'; trusted-types 'none'"
)


def login_page(*, refused: bool) -> str:
    return LOGIN_PAGE.replace("<!-- refusal -->", _REFUSAL if refused else "")


_REFUSAL = '<p role="alert">These are not the email and password of an admin.</p>'
