"""Faults of URLs among the settings. No sentence contains a user name, a password or an option."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_HOST: Final = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?")
_MONGO: Final = re.compile(r"mongodb(\+srv)?://(?:(?P<login>[^@/]*)@)?(?P<hosts>[^@/?]+)(/[^@?]*)?(\?\S*)?")
_LOGIN: Final = re.compile(r"([^:%]|%[0-9A-Fa-f]{2})+(:([^:%]|%[0-9A-Fa-f]{2})*)?")
_SENTINEL: Final = re.compile(r"redis\+sentinel://(?:[^@/]*@)?(?P<hosts>[^@/?]+)/[A-Za-z0-9_.-]+(/\d{0,3})?")
_CLUSTER: Final = re.compile(r"rediss?\+cluster://(?:[^@/]*@)?(?P<hosts>[^@/?]+)/?(\?(?P<options>\S*))?")
_REDIS_OPTIONS: Final = frozenset(
    {"client_name", "password", "protocol", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile", "username"}
)


def http_url_fault(variable: str, text: str) -> str | None:
    """Check one address of a server that speaks HTTP."""
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme in ("http", "https") and _has_host_and_port(parts)
    except ValueError:
        is_valid = False
    return (
        None
        if is_valid
        else f"{variable} is not a URL: It must look like https://api.example.com or http://10.0.0.7:8080."
    )


def mongo_url_fault(variable: str, text: str) -> str | None:
    """Check scheme, login and hosts; the driver checks the options."""
    example = "mongodb://user:password@db1:27017,db2:27017/?replicaSet=rs0"
    if not text.startswith(("mongodb://", "mongodb+srv://")):
        return f"{variable} is not a URL of MongoDB: It must look like {example}."
    found = _MONGO.fullmatch(text)
    if found is None or (found["login"] and not _LOGIN.fullmatch(found["login"])):
        return (
            f"{variable} cannot be read: It must look like {example}, and in user name and password the characters"
            " : / ? # [ ] @ % are written as %3A, %2F and so on."
        )
    for host in found["hosts"].split(","):
        if not _is_host_and_port(host):
            return f"{variable} has a host or port that cannot be read: It must look like {example}."
    return None


def is_cluster_url(text: str) -> bool:
    """Return whether the URL names nodes of a Redis Cluster."""
    return text.startswith(("redis+cluster://", "rediss+cluster://"))


def redis_url_fault(variable: str, text: str) -> str | None:
    """Check a URL of one server or of a cluster: scheme, hosts, ports, database number and names of options."""
    if text.startswith("unix://"):
        return None
    if is_cluster_url(text):
        return _cluster_url_fault(variable, text)
    example = "redis://user:password@cache:6379/0"
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme in ("redis", "rediss") and _has_host_and_port(parts)
        is_valid = is_valid and re.fullmatch(r"(/\d{0,3})?", parts.path) is not None
    except ValueError:
        is_valid = False
    if not is_valid:
        return f"{variable} is not a URL of Valkey or Redis: It must look like {example} (rediss:// with TLS)."
    return _redis_options_fault(variable, parts.query)


def _cluster_url_fault(variable: str, text: str) -> str | None:
    found = _CLUSTER.fullmatch(text)
    if found is None or not all(_is_host_and_port(host) for host in found["hosts"].split(",")):
        example = "redis+cluster://user:password@n1:6379,n2:6379,n3:6379"
        return f"{variable} cannot be read: A Redis Cluster must look like {example} (rediss+cluster:// with TLS)."
    return _redis_options_fault(variable, found["options"] or "")


def _redis_options_fault(variable: str, options: str) -> str | None:
    unknown = {option.partition("=")[0] for option in options.split("&") if option} - _REDIS_OPTIONS
    if unknown:
        return f"{variable} has an option that Grome does not pass on; it passes {', '.join(sorted(_REDIS_OPTIONS))}."
    return None


def queues_url_fault(variable: str, text: str) -> str | None:
    """Check the URL of one server, or of Sentinels with the name of their service. Queues cannot be on a cluster."""
    if is_cluster_url(text):
        return f"{variable} names a Redis Cluster: It must name one server or Sentinels, since queues need one."
    if not text.startswith("redis+sentinel://"):
        return redis_url_fault(variable, text)
    found = _SENTINEL.fullmatch(text)
    if found is not None and all(_is_host_and_port(host) for host in found["hosts"].split(",")):
        return None
    example = "redis+sentinel://user:password@s1:26379,s2:26379,s3:26379/queues"
    return f"{variable} cannot be read: Sentinels must look like {example}."


def _has_host_and_port(parts: SplitResult) -> bool:
    """Raises ValueError if the port is no number up to 65535."""
    return bool(parts.hostname) and _HOST.fullmatch(parts.hostname or "") is not None and parts.port != 0


def _is_host_and_port(text: str) -> bool:
    if text.startswith("%2F"):  # a socket file
        return True
    try:
        return _has_host_and_port(urlsplit(f"//{text}"))
    except ValueError:
        return False
