"""The sections of settings about the servers: the API's own, MongoDB, Valkey, files, job workers and the log."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    host: Annotated[str, Meta(description="Address that the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port that the API listens on.")] = 8000
    workers: Annotated[int, Meta(ge=1, le=256, description="API worker processes, one event loop each.")] = 2
    serves: Annotated[
        Literal["all", "api", "live"],
        Meta(description="Routes of these processes: all, those of live connections only, or all but those (api)."),
    ] = "all"
    stop_delay_s: Annotated[
        float,
        Meta(ge=0, le=60, description="Seconds that a stopping process still accepts while load balancers leave it."),
    ] = 0.0
    finish_s: Annotated[
        float, Meta(ge=0.5, le=60, description="Seconds that a stopping process gives its requests to finish.")
    ] = 2.5
    access_log: Annotated[bool, Meta(description="Write one log line a request.")] = True
    max_body_bytes: Annotated[int, Meta(ge=1024, le=2**26, description="A larger request body is answered 413.")] = (
        2**20
    )
    gzip_min_bytes: Annotated[
        int, Meta(ge=0, le=2**24, description="Answers from this size on are compressed for clients that accept it.")
    ] = 1400
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/\s]+)?$(?!\n)",
            description="What clients reach the API under; unset, the address and port that it listens on.",
            extra={"form": "scheme and host without a path or a final slash, e.g. https://api.example.com"},
        ),
    ] = ""
    app_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/\s]+)?$(?!\n)",
            description="Where links in messages and calendars lead; unset, to pages of the API itself.",
            extra={"form": "scheme and host without a path or a final slash, e.g. https://api.example.com"},
        ),
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Proxies that tell the client's address: how many stand in front of each request, or their"
            " addresses and networks, separated by commas; unset, none is believed."
        ),
    ] = ""
    forwarded_header: Annotated[
        Literal["x-forwarded-for", "forwarded"], Meta(description="Header in which these proxies tell the address.")
    ] = "x-forwarded-for"
    cors_origins: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/\s,]+(\s*,\s*https?://[^/\s,]+)*)?$(?!\n)",
            description="Web origins whose pages may call the API, separated by commas; unset, those of the API only.",
            extra={"form": "origins without a path, separated by commas, e.g. https://app.example.com"},
        ),
    ] = ""
    metrics_token: Annotated[
        str,
        Meta(
            pattern=r"^([!-~]{16,})?$(?!\n)",
            description="Secret of 16 characters or more that opens /metrics to a machine; unset, admins only.",
            extra={"secret": True, "form": "16 visible ASCII characters or more"},
        ),
    ] = ""

    @property
    def own_base(self) -> str:
        """Where this machine reaches the API."""
        return f"http://{_reachable(self.host)}:{self.port}"

    @property
    def api_base(self) -> str:
        """How the addresses of feeds, files and unsubscribe links begin."""
        return self.public_url or self.own_base

    @property
    def app_base(self) -> str:
        """How links in messages and calendars begin."""
        return self.app_url or self.api_base


def _reachable(host: str) -> str:
    """A host to connect to: wildcard addresses stand for this machine, and IPv6 needs its brackets."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 -- compared, not bound
    return f"[{host}]" if ":" in host else host


class MongoSettings(Struct, frozen=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(description="MongoDB replica set or mongos; unset, `grome run` starts its own.")] = ""
    database: Annotated[  # `$` alone would let a final newline pass
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,38}$(?!\n)",
            description="Database that holds all collections.",
            extra={"form": "1 to 38 letters, digits, hyphens and underscores"},
        ),
    ] = "grome"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port of the embedded mongod; 0 takes a free one.")] = 0
    timeout_ms: Annotated[
        int, Meta(ge=100, le=120_000, description="An operation that takes longer is given up and answered 503.")
    ] = 5_000
    max_pool: Annotated[int, Meta(ge=1, le=1_000, description="Connections that one process opens at most.")] = 50
    sharded_bookings: Annotated[
        bool,
        Meta(
            description="Bookings are sharded by barber_id, or are to be: each Idempotency-Key is claimed by a write."
        ),
    ] = False


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    url: Annotated[
        str,
        Meta(
            description="Redis or Valkey server, or nodes of a cluster: redis+cluster://host:port,host:port; unset,"
            " `grome run` starts its own."
        ),
    ] = ""
    queues_url: Annotated[
        str,
        Meta(
            description="Server of the job queues, or Sentinels: redis+sentinel://host:port,host:port/service; unset,"
            " GROME_REDIS_URL has them. A cluster cannot have them."
        ),
    ] = ""
    port: Annotated[int, Meta(ge=0, le=65535, description="Port of the embedded Valkey; 0 takes a free one.")] = 0
    namespace: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{0,38}$(?!\n)",
            description="Begins every key and channel; unset, the name of the MongoDB database does.",
            extra={"form": "38 letters, digits, hyphens and underscores at most"},
        ),
    ] = ""
    max_connections: Annotated[
        int, Meta(ge=2, le=1_000, description="Connections that one process opens at most, to each server.")
    ] = 50
    timeout_s: Annotated[float, Meta(gt=0, le=60, description="A command that takes longer is given up.")] = 2.0


class StorageSettings(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Annotated[
        Literal["folder", "s3"], Meta(description="Where files lie: in GROME_HOME, or in an S3 bucket.")
    ] = "folder"
    bucket: Annotated[str, Meta(description="The bucket; credentials are found as every AWS client finds them.")] = ""
    region: Annotated[str, Meta(description="The bucket's region.")] = "eu-central-1"
    url: Annotated[str, Meta(description="Another address of S3 than the region's own.")] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="S3 is given up after so long.")] = 10.0
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s]+[^/\s])?$(?!\n)",
            description="Where anybody can fetch files under photos/, e.g. a CDN before the bucket; unset, the API.",
            extra={"form": "a URL without a final slash, e.g. https://cdn.example.com/files"},
        ),
    ] = ""


class JobSettings(Struct, frozen=True, forbid_unknown_fields=True):
    workers: Annotated[int, Meta(ge=0, le=64, description="Job worker processes that `grome serve` starts.")] = 1
    concurrency: Annotated[
        int, Meta(ge=1, le=256, description="Jobs of each queue that one worker runs at a time.")
    ] = 10
    relay: Annotated[bool, Meta(description="Job workers run the relay of events; false where `grome relay` does.")] = (
        True
    )
    http_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port of `grome worker` and `grome relay` for /health and /metrics; 0 for none.",
        ),
    ] = 0


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Meta(description="Least severity that is written.")
    ] = "INFO"
    format: Annotated[
        Literal["readable", "json"], Meta(description="Lines for a person, or one JSON object a line.")
    ] = "readable"
