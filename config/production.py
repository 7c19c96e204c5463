"""Settings that need others, and settings that are unsafe in production."""

from collections.abc import Iterator
from email.utils import parseaddr
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.credentials import service_account_fault, stripe_faults
from config.keys import numbered_key_faults, parse_numbered_keys, signing_key_faults
from config.sections.accounts import AccountSettings
from config.settings import Settings, setting_fields
from config.urls import http_url_fault, is_cluster_url, mongo_url_fault, queues_url_fault, redis_url_fault


def incomplete_settings(settings: Settings) -> list[str]:
    """Return a sentence for each setting that another setting needs."""
    faults = []
    account = settings.push.service_account
    if settings.push.transport == "fcm" and not account:
        faults.append("GROME_PUSH_SERVICE_ACCOUNT is not set: GROME_PUSH_TRANSPORT is fcm, which needs it.")
    elif account and (fault := service_account_fault("GROME_PUSH_SERVICE_ACCOUNT", account)):
        faults.append(fault)
    if settings.stripe.secret_key and not (settings.stripe.publishable_key and settings.stripe.webhook_secrets):
        faults.append("GROME_STRIPE_PUBLISHABLE_KEY or GROME_STRIPE_WEBHOOK_SECRETS is not set: payments need both.")
    if not _are_proxies(settings.http.trusted_proxies):
        faults.append("GROME_HTTP_TRUSTED_PROXIES is neither a number nor a list of addresses and networks.")
    if settings.storage.kind == "s3" and not settings.storage.bucket:
        faults.append("GROME_STORAGE_BUCKET is not set: GROME_STORAGE_KIND is 's3'.")
    if is_cluster_url(settings.redis.url) and not settings.redis.queues_url:
        faults.append(
            "GROME_REDIS_QUEUES_URL is not set: GROME_REDIS_URL names a Redis Cluster, which cannot hold job queues."
            " Name one server, or Sentinels."
        )
    accounts = settings.accounts
    if accounts.country_database and not Path(accounts.country_database).is_file():
        faults.append(f"GROME_ACCOUNTS_COUNTRY_DATABASE is {accounts.country_database!r}, which is no file.")
    return [*faults, *_url_faults(settings), *stripe_faults(settings.stripe), *key_faults(accounts)]


_URL_CHECKS: Final = {
    "GROME_MONGO_URL": mongo_url_fault,
    "GROME_REDIS_URL": redis_url_fault,
    "GROME_REDIS_QUEUES_URL": queues_url_fault,
}


def _url_faults(settings: Settings) -> Iterator[str]:
    for leaf in setting_fields():
        if not leaf.variable.endswith(("_URL", "_ORIGINS")):
            continue
        text: object = settings
        for name in leaf.path:
            text = getattr(text, name)
        check = _URL_CHECKS.get(leaf.variable, http_url_fault)
        parts = str(text).split(",") if leaf.variable.endswith("_ORIGINS") else [str(text)]
        faults = (check(leaf.variable, part.strip()) for part in parts if part.strip())
        yield from dict.fromkeys(fault for fault in faults if fault)


def key_faults(accounts: AccountSettings) -> list[str]:
    """Return a sentence for each key that cannot be used."""
    faults: list[str] = []
    for variable, text in (
        ("GROME_ACCOUNTS_SIGNING_KEY", accounts.signing_key),
        ("GROME_ACCOUNTS_OLD_SIGNING_KEYS", accounts.old_signing_keys),
    ):
        if text:
            faults += signing_key_faults(variable, text)
    if accounts.secrets_keys:
        faults += numbered_key_faults("GROME_ACCOUNTS_SECRETS_KEYS", accounts.secrets_keys, least=0)
    if accounts.pepper:
        faults += numbered_key_faults("GROME_ACCOUNTS_PEPPER", accounts.pepper, least=1)
    return faults


def unsafe_settings(settings: Settings) -> list[str]:
    """Return a sentence for each setting that is unsafe in production."""
    if settings.env != "production":
        return []
    public, sender = urlsplit(settings.http.public_url), parseaddr(settings.mail.sender)[1]
    app = urlsplit(settings.http.app_url)
    rules = {
        **_account_rules(settings),
        "GROME_HTTP_PUBLIC_URL does not name a public host: links in messages would lead nowhere.": (
            _is_local(public.hostname or "")
        ),
        "GROME_HTTP_PUBLIC_URL is not https: links in messages carry secrets.": public.scheme != "https",
        "GROME_HTTP_APP_URL does not name a public host: links in messages would lead nowhere.": (
            bool(app.hostname) and _is_local(app.hostname or "")
        ),
        "GROME_HTTP_CORS_ORIGINS has an origin that is local or not https: pages there could act for people.": (
            not _are_public_origins(settings.http.cors_origins)
        ),
        "GROME_LIVE_ORIGINS has an origin that is local or not https: pages there could act for people.": (
            not _are_public_origins(settings.live.origins)
        ),
        "GROME_HTTP_METRICS_TOKEN is weak: `openssl rand -base64 32` makes a random token.": (
            bool(settings.http.metrics_token) and len(set(settings.http.metrics_token)) < _FEWEST_TOKEN_LETTERS
        ),
        "GROME_MAIL_TRANSPORT is 'folder': mail would stay on this machine, for everybody to read.": (
            settings.mail.transport == "folder"
        ),
        "GROME_MAIL_SENDER is not an address of a domain of yours: mail servers would refuse it.": (
            "@" not in sender or _is_local(sender.rpartition("@")[2])
        ),
        "GROME_MAIL_SECURITY is 'none': mail and password would cross the network in the clear.": (
            settings.mail.security == "none" and not _is_loopback(settings.mail.host)
        ),
        "GROME_PUSH_URL is not https: the token that may send would cross the network in the clear.": (
            settings.push.transport == "fcm" and urlsplit(settings.push.url).scheme != "https"
        ),
        "GROME_STRIPE_URL is set: payments would go to another server than Stripe's.": bool(settings.stripe.url),
        "GROME_HTTP_APP_URL is not https: links in messages would lead to an unencrypted page.": (
            urlsplit(settings.http.app_base).scheme != "https" and bool(settings.http.app_url)
        ),
        "GROME_SMS_UNVERIFIED is on: anybody could have texts sent to a stranger's phone, at your cost.": (
            settings.sms.unverified
        ),
        "GROME_WEBHOOKS_PRIVATE_ADDRESSES is on: anybody could make Grome call servers of your network.": (
            settings.webhooks.private_addresses
        ),
    }
    return [sentence for sentence, broken in rules.items() if broken]


def _account_rules(settings: Settings) -> dict[str, bool]:
    """Return the rules about accounts and barbers: a sentence each, and whether the settings break the rule."""
    accounts = settings.accounts
    return {
        "GROME_ACCOUNTS_SIGNING_KEY is not set: production does not make up a key of its own.": (
            not accounts.signing_key
        ),
        "GROME_ACCOUNTS_SECRETS_KEYS is not set: links, codes and stored secrets need a key of their own.": (
            not accounts.secrets_keys
        ),
        "GROME_ACCOUNTS_PEPPER is not set: a stolen database alone would do to guess passwords.": (not accounts.pepper),
        "GROME_ACCOUNTS_PEPPER repeats a secrets key: who learns one key must not learn both.": bool(
            {*parse_numbered_keys(accounts.pepper).values()} & {*parse_numbered_keys(accounts.secrets_keys).values()}
        ),
        "GROME_ACCOUNTS_REQUIRE_SECOND_FACTOR is off: a stolen password would open an admin's account.": (
            not accounts.require_second_factor
        ),
        "GROME_BARBERS_APPROVAL is 'automatic': anybody could pose as a barber and take deposits.": (
            settings.barbers.approval == "automatic"
        ),
        "GROME_ACCOUNTS_BCRYPT_ROUNDS is under 12, which only tests may use.": accounts.bcrypt_rounds < 12,  # noqa: PLR2004 -- the figure is the rule
    }


_FEWEST_TOKEN_LETTERS = 8  # of a random token of 16 characters
# RFC 6761, RFC 6762 and RFC 2606: names that no public host has.
_LOCAL_DOMAINS = ("localhost", "local", "internal", "test", "example", "invalid", "example.com", "example.org")


def _are_proxies(text: str) -> bool:
    named = [item.strip() for item in text.split(",") if item.strip()]
    try:
        return text.strip().isdecimal() or all(ip_network(item, strict=False) for item in named)
    except ValueError:
        return False


def _are_public_origins(text: str) -> bool:
    origins = [urlsplit(item.strip()) for item in text.split(",") if item.strip()]
    return all(origin.scheme == "https" and not _is_local(origin.hostname or "") for origin in origins)


def _is_local(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        name = host.lower().rstrip(".")
        return not name or any(name == local or name.endswith(f".{local}") for local in _LOCAL_DOMAINS)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
