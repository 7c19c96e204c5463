"""The one typed tree of settings, with its defaults. `config/loading.py` fills it from the environment."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

PREFIX = "GROME_"


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    host: Annotated[str, Meta(description="Address that the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port that the API listens on.")] = 8000
    workers: Annotated[int, Meta(ge=1, le=256, description="API worker processes, one event loop each.")] = 2
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
        ),
    ] = ""
    app_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/\s]+)?$(?!\n)",
            description="Where links in messages and calendars lead; unset, to pages of the API itself.",
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
        ),
    ] = ""
    metrics_token: Annotated[
        str,
        Meta(
            pattern=r"^([!-~]{16,})?$(?!\n)",
            description="Secret of 16 characters or more that opens /metrics to a machine; unset, admins only.",
            extra={"secret": True},
        ),
    ] = ""

    @property
    def api_base(self) -> str:
        """How the addresses of feeds, files and unsubscribe links begin."""
        return self.public_url or f"http://{_reachable(self.host)}:{self.port}"

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
        str, Meta(pattern=r"^[A-Za-z0-9_-]{1,38}$(?!\n)", description="Database that holds all collections.")
    ] = "grome"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port of the embedded mongod; 0 takes a free one.")] = 0
    timeout_ms: Annotated[
        int, Meta(ge=100, le=120_000, description="An operation that takes longer is given up and answered 503.")
    ] = 5_000
    max_pool: Annotated[int, Meta(ge=1, le=1_000, description="Connections that one process opens at most.")] = 50


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(description="Redis or Valkey server; unset, `grome run` starts its own.")] = ""
    port: Annotated[int, Meta(ge=0, le=65535, description="Port of the embedded Valkey; 0 takes a free one.")] = 0
    namespace: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{0,38}$(?!\n)",
            description="Begins every key and channel; unset, the name of the MongoDB database does.",
        ),
    ] = ""
    max_connections: Annotated[int, Meta(ge=2, le=1_000, description="Connections that one process opens at most.")] = (
        50
    )
    timeout_s: Annotated[float, Meta(gt=0, le=60, description="A command that takes longer is given up.")] = 2.0


class AccountSettings(Struct, frozen=True, forbid_unknown_fields=True):
    signing_key: Annotated[
        str,
        Meta(
            description="Ed25519 private key in PEM that signs access tokens; `grome run` makes one and keeps it.",
            extra={"secret": True},
        ),
    ] = ""
    access_ttl_s: Annotated[int, Meta(ge=30, le=3_600, description="Life of an access token in seconds.")] = 900
    old_signing_keys: Annotated[
        str,
        Meta(
            description="Earlier signing keys in PEM, one after the other: their tokens stay good until they expire.",
            extra={"secret": True},
        ),
    ] = ""
    secrets_keys: Annotated[
        str,
        Meta(
            description="Keys that links, codes and stored secrets are derived from, as <number>:<32 bytes in base64>,"
            " separated by commas. The first makes new ones, all read; `grome run` makes one and keeps it.",
            extra={"secret": True},
        ),
    ] = ""
    pepper: Annotated[
        str,
        Meta(
            description="Keys of password hashes in the form of the secrets keys; a login renews the hash under the"
            " first. `grome run` makes one and keeps it.",
            extra={"secret": True},
        ),
    ] = ""
    idle_ttl_s: Annotated[
        int, Meta(ge=3_600, le=7_776_000, description="A session that was not used for so many seconds ends.")
    ] = 30 * 86_400
    session_ttl_s: Annotated[
        int, Meta(ge=3_600, le=31_536_000, description="A session ends so many seconds after its login in any case.")
    ] = 90 * 86_400
    bcrypt_rounds: Annotated[
        int, Meta(ge=4, le=16, description="Work factor of password hashes; under 12 only in tests.")
    ] = 12
    password_queue: Annotated[
        int,
        Meta(ge=1, le=10_000, description="Passwords that one process checks or keeps waiting; more are answered 503."),
    ] = 16
    require_second_factor: Annotated[
        bool, Meta(description="Admins, and barbers before payouts, need a second factor; off for trials only.")
    ] = True
    country_database: Annotated[
        str, Meta(description="File in MaxMind's format with the countries of addresses; unset, none is known.")
    ] = ""
    breached_passwords_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://\S+)?$(?!\n)",
            description="Service that tells breached passwords by the first five digits of their SHA-1; unset, none is"
            " asked.",
        ),
    ] = ""
    passkey_host: Annotated[
        str, Meta(description="Host name that passkeys are bound to; unset, the host of the app's or API's URL.")
    ] = ""


class BarberSettings(Struct, frozen=True, forbid_unknown_fields=True):
    approval: Annotated[
        Literal["admin", "automatic"],
        Meta(description="Barbers are found once an admin has approved them; automatic, at once, for trials only."),
    ] = "admin"
    keep_documents_days: Annotated[
        int, Meta(ge=0, le=3_650, description="Documents are deleted so long after a barber was approved or rejected.")
    ] = 30


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests of one account, or of one address where no account is known."""

    read: Annotated[
        int, Meta(ge=1, le=10**7, description="Requests a minute that only read, by account or address.")
    ] = 1_200
    write: Annotated[int, Meta(ge=1, le=10**7, description="Requests a minute that change something.")] = 240
    search: Annotated[
        int, Meta(ge=1, le=10**7, description="Searches a minute: barbers around a point, by text, and free times.")
    ] = 600
    sign_in: Annotated[int, Meta(ge=1, le=10**7, description="Registrations and sign-ins a minute, by address.")] = 60
    codes: Annotated[
        int, Meta(ge=1, le=10**7, description="Codes by mail or text that are asked for in 15 minutes, by address.")
    ] = 30
    costly: Annotated[int, Meta(ge=1, le=10**7, description="Reports, exports, series and uploads a minute.")] = 30
    failed_sign_ins: Annotated[
        int,
        Meta(
            ge=1,
            le=10**7,
            description="Wrong passwords for an account in 15 minutes from one known device or network.",
        ),
    ] = 10
    failed_sign_ins_account: Annotated[
        int,
        Meta(ge=1, le=10**7, description="The same from all networks; known devices have their own numbers."),
    ] = 50
    failed_sign_ins_network: Annotated[
        int, Meta(ge=1, le=10**7, description="Wrong passwords in 15 minutes from one network for all accounts.")
    ] = 300


class BookingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    answer_within_min: Annotated[
        int,
        Meta(ge=5, le=20_160, description="A request that no barber answers for so long expires and frees its time."),
    ] = 24 * 60
    group_commit: Annotated[
        bool, Meta(description="Store bookings that arrive together by one write, each with its own answer.")
    ] = True


class NearbySettings(Struct, frozen=True, forbid_unknown_fields=True):
    memory_mb: Annotated[
        int, Meta(ge=1, le=65_536, description="Memory of the map of barbers in one API process, in MiB.")
    ] = 64
    fast_path: Annotated[
        bool, Meta(description="Answer plain searches nearby as their bytes arrive, past the HTTP framework.")
    ] = True


class LiveSettings(Struct, frozen=True, forbid_unknown_fields=True):
    origins: Annotated[
        str,
        Meta(
            description="Web origins that may open live connections, separated by commas; unset, the API's own and the"
            " app's. Clients that send no Origin, as mobile apps, are always admitted."
        ),
    ] = ""
    heartbeat_s: Annotated[
        int, Meta(ge=5, le=300, description="A live connection gets a ping so often; without a sign of life it ends.")
    ] = 25
    life_s: Annotated[
        int, Meta(ge=60, le=604_800, description="A live connection is asked to reconnect after so long.")
    ] = 6 * 3_600
    max_buffer_bytes: Annotated[
        int, Meta(ge=16_384, le=2**24, description="A live connection with more unsent bytes is cut off as too slow.")
    ] = 262_144
    max_message_bytes: Annotated[
        int, Meta(ge=1_024, le=2**20, description="Largest message that a live connection may send.")
    ] = 16_384
    light_sockets: Annotated[
        bool, Meta(description="Serve WebSockets by the light protocol; off, by Sanic's own, which takes more memory.")
    ] = True
    drain_per_s: Annotated[
        int, Meta(ge=1, le=100_000, description="Live connections that a stopping process moves away in a second.")
    ] = 2_000


class JobSettings(Struct, frozen=True, forbid_unknown_fields=True):
    workers: Annotated[int, Meta(ge=0, le=64, description="Job worker processes that `grome serve` starts.")] = 1
    concurrency: Annotated[
        int, Meta(ge=1, le=256, description="Jobs of each queue that one worker runs at a time.")
    ] = 10


class MailSettings(Struct, frozen=True, forbid_unknown_fields=True):
    transport: Annotated[
        Literal["folder", "smtp"], Meta(description="Where mail goes: a folder of this machine, or a mail server.")
    ] = "folder"
    sender: Annotated[str, Meta(min_length=3, description="The From of every mail.")] = "Grome <no-reply@grome.invalid>"
    host: Annotated[str, Meta(description="The mail server.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the mail server.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="How the connection to the mail server is encrypted.")
    ] = "starttls"
    username: Annotated[str, Meta(description="Account at the mail server; empty, none is needed.")] = ""
    password: Annotated[str, Meta(description="Its password.", extra={"secret": True})] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="A mail server that takes longer is given up.")] = 15.0
    news_a_day: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Mails a day to one address, codes and security apart.")
    ] = 500
    unverified_news_a_day: Annotated[
        int, Meta(ge=1, le=1_000_000, description="The same for an address that nobody has verified.")
    ] = 50


class PushSettings(Struct, frozen=True, forbid_unknown_fields=True):
    transport: Annotated[
        Literal["log", "fcm"], Meta(description="Where push messages go: a log of this machine, or FCM.")
    ] = "log"
    service_account: Annotated[
        str, Meta(description="JSON of the Google service account that may send.", extra={"secret": True})
    ] = ""
    url: Annotated[str, Meta(description="FCM's HTTP v1 API.")] = "https://fcm.googleapis.com"
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="FCM is given up after so long.")] = 10.0


class SmsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    transport: Annotated[
        Literal["log", "sns"], Meta(description="Where text messages go: a log of this machine, or Amazon SNS.")
    ] = "log"
    region: Annotated[str, Meta(description="SNS's region; credentials are found as every AWS client finds them.")] = (
        "eu-central-1"
    )
    url: Annotated[str, Meta(description="Another address of SNS than the region's own.")] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="SNS is given up after so long.")] = 10.0
    unverified: Annotated[
        bool,
        Meta(description="Also text numbers that nobody has verified, if the account wants texts; for trials only."),
    ] = False


class WebhookSettings(Struct, frozen=True, forbid_unknown_fields=True):
    private_addresses: Annotated[
        bool, Meta(description="Also send to addresses of private networks and over plain HTTP; for trials only.")
    ] = False
    timeout_s: Annotated[float, Meta(gt=0, le=120, description="A receiver that takes longer has failed.")] = 15.0


class StripeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    secret_key: Annotated[
        str,
        Meta(
            description="Secret key of the Stripe account; unset, no payments are taken, and `grome run` uses its own.",
            extra={"secret": True},
        ),
    ] = ""
    publishable_key: Annotated[str, Meta(description="The key that apps give Stripe's SDK.")] = ""
    webhook_secrets: Annotated[
        str,
        Meta(
            description="Signing secrets of the webhook, separated by commas: during a rotation the old and the new.",
            extra={"secret": True},
        ),
    ] = ""
    url: Annotated[str, Meta(description="Another address of Stripe's API than its own; for the stand-in only.")] = ""
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of the stand-in that `grome run` starts; 0 takes a free one.")
    ] = 0
    timeout_s: Annotated[float, Meta(gt=0, le=80, description="A call to Stripe is given up after so long.")] = 10.0
    country: Annotated[
        str, Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="Country of barbers' payout accounts, as ISO 3166.")
    ] = "DE"


class PaymentSettings(Struct, frozen=True, forbid_unknown_fields=True):
    commission_bp: Annotated[
        int, Meta(ge=0, le=5_000, description="Commission in basis points, for barbers without a rate of their own.")
    ] = 1_000
    deposit_within_min: Annotated[
        int, Meta(ge=5, le=1_440, description="A booking without its deposit expires after so many minutes.")
    ] = 15
    tax_bp: Annotated[
        int, Meta(ge=0, le=5_000, description="Tax included in prices, in basis points; 0 prints no tax on receipts.")
    ] = 0


class PayoutSettings(Struct, frozen=True, forbid_unknown_fields=True):
    hold_h: Annotated[
        int,
        Meta(ge=0, le=720, description="Money of a visit is paid out so many hours after the visit at the soonest."),
    ] = 48
    schedule: Annotated[
        Literal["daily", "weekly"], Meta(description="How often barbers are paid; weekly on Mondays.")
    ] = "weekly"
    minimum: Annotated[
        int, Meta(ge=1, le=10**8, description="Least amount of a payout in minor units; less is carried over.")
    ] = 1_000


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
        ),
    ] = ""


class ReportSettings(Struct, frozen=True, forbid_unknown_fields=True):
    keep_h: Annotated[int, Meta(ge=1, le=8_760, description="A report's files are deleted after so many hours.")] = 72
    link_min: Annotated[int, Meta(ge=1, le=1_440, description="A link to a report is good for so many minutes.")] = 15


class PrivacySettings(Struct, frozen=True, forbid_unknown_fields=True):
    export_max_mb: Annotated[
        int, Meta(ge=1, le=65_536, description="Photos and documents in one export of personal data, in MiB at most.")
    ] = 1_024
    erase_after_min: Annotated[
        int,
        Meta(ge=0, le=43_200, description="A deleted account is erased so many minutes later."),
    ] = 15
    booking_details_days: Annotated[
        int,
        Meta(ge=0, le=36_500, description="Addresses, notes and guests of visits are kept so many days; 0, for ever."),
    ] = 730
    messages_days: Annotated[
        int, Meta(ge=0, le=36_500, description="Messages are kept for so many days after the visit; 0, for ever.")
    ] = 730
    message_reports_days: Annotated[
        int, Meta(ge=0, le=36_500, description="Decided reports of messages are kept for so many days; 0, for ever.")
    ] = 180


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Meta(description="Least severity that is written.")
    ] = "INFO"
    format: Annotated[
        Literal["readable", "json"], Meta(description="Lines for a person, or one JSON object a line.")
    ] = "readable"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    env: Annotated[
        Literal["development", "test", "production"], Meta(description="Names the file under config/ that is read.")
    ] = "development"
    home: Annotated[str, Meta(min_length=1, description="Folder of the embedded servers' data, keys and logs.")] = (
        ".grome"
    )
    http: HttpSettings = field(default_factory=HttpSettings)
    mongo: MongoSettings = field(default_factory=MongoSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    accounts: AccountSettings = field(default_factory=AccountSettings)
    barbers: BarberSettings = field(default_factory=BarberSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    bookings: BookingSettings = field(default_factory=BookingSettings)
    nearby: NearbySettings = field(default_factory=NearbySettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    push: PushSettings = field(default_factory=PushSettings)
    sms: SmsSettings = field(default_factory=SmsSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    stripe: StripeSettings = field(default_factory=StripeSettings)
    payments: PaymentSettings = field(default_factory=PaymentSettings)
    payouts: PayoutSettings = field(default_factory=PayoutSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    reports: ReportSettings = field(default_factory=ReportSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    log: LogSettings = field(default_factory=LogSettings)


class SettingsError(Exception):
    """All faults of the environment; `faults` has one sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class SettingField(Struct, frozen=True):
    """One setting: its variable, its path in the tree, its type and its description."""

    variable: str
    path: tuple[str, ...]
    type: Any
    description: str
    secret: bool


def setting_fields() -> Iterator[SettingField]:
    yield from _fields_of(Settings, ())


def _fields_of(section: type[Struct], path: tuple[str, ...]) -> Iterator[SettingField]:
    for item in msgspec.structs.fields(section):
        here = (*path, item.name)
        if isinstance(item.type, type) and issubclass(item.type, Struct):
            yield from _fields_of(item.type, here)
            continue
        meta: Meta = item.type.__metadata__[0]
        variable = PREFIX + "_".join(here).upper()
        yield SettingField(variable, here, item.type, meta.description or "", bool((meta.extra or {}).get("secret")))
