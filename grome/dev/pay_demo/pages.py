"""The page that pays with test cards, and its content security policy."""

from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined

from grome.infrastructure.http.csp import csp_hash

_SOURCE: Final = files("grome.dev.pay_demo").joinpath("pay_demo_page.html").read_text()
_TEMPLATE: Final = Environment(autoescape=True, undefined=StrictUndefined).from_string(_SOURCE)
# Numbers of Stripe's test mode.
_CARDS: Final = (
    ("4242424242424242", "Succeeds"),
    ("4000002760003184", "Asks for 3-D Secure"),
    ("4000000000000002", "Is declined"),
    ("4000000000009995", "Has insufficient funds"),
    ("4000000000000341", "Can be saved, and is declined later"),
    ("4000000000000259", "Succeeds, and is disputed"),
    ("4000000000005423", "Succeeds, with an early fraud warning"),
    ("4000000000007726", "Succeeds; refunds are pending at first"),
    ("4000000000005126", "Succeeds; refunds fail later"),
)


def pay_demo_page(stripe_url: str, publishable_key: str) -> str:
    """Render the page for the stand-in of Stripe at `stripe_url`."""
    return _TEMPLATE.render(stripe_url=stripe_url, publishable_key=publishable_key, cards=_CARDS)


def policy_for(stripe_url: str) -> str:
    """Return the policy: scripts of the page may call this server and the stand-in of Stripe."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:; "
        f"connect-src 'self' {stripe_url}; style-src {csp_hash(_SOURCE, 'style')}; "
        f"script-src {csp_hash(_SOURCE, 'script')}"
    )
