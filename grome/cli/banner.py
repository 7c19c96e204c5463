"""The addresses that a started Grome prints."""

from config.settings import Settings
from grome.dev.demo_accounts.models import DEMO_ACCOUNTS, DEMO_PASSWORD


def banner(settings: Settings, *, demo: bool) -> str:
    """Return the addresses of this Grome, with the demo accounts if `demo`."""
    base, is_production = settings.http.api_base, settings.env == "production"
    lines = [
        "",
        f"  API             {base}/v1",
        f"  Documentation   {base}/docs",
        f"  SAQ dashboard   {base}/jobs/",
    ]
    if settings.mail.transport == "folder" and not is_production:
        lines.append(f"  Mailbox         {base}/mailbox/")
    if settings.stripe.url and not is_production:
        lines += [f"  Pay with cards  {base}/pay-demo", f"  Local Stripe    {settings.stripe.url}/"]
    if not is_production:
        lines.append(f"  Visits, live    {base}/live-demo")
    if demo:
        lines += [f"  Sign in as      {', '.join(DEMO_ACCOUNTS.values())}", f"  with password   {DEMO_PASSWORD}"]
    return "\n".join([*lines, "", "  Ctrl-C ends everything.", ""])
