"""The one typed tree of settings. `config/sections/` has its sections, and `config/loading.py` fills it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from config.sections.accounts import AccountSettings, AuditSettings, BarberSettings, LimitSettings, PrivacySettings
from config.sections.bookings import BookingSettings, NearbySettings, ReportSettings
from config.sections.messages import LiveSettings, MailSettings, PushSettings, SmsSettings, WebhookSettings
from config.sections.money import PaymentSettings, PayoutSettings, StripeSettings
from config.sections.operations import SentrySettings, TracesSettings
from config.sections.servers import (
    HttpSettings,
    JobSettings,
    LogSettings,
    MongoSettings,
    RedisSettings,
    StorageSettings,
)

PREFIX = "GROME_"


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
    audit: AuditSettings = field(default_factory=AuditSettings)
    log: LogSettings = field(default_factory=LogSettings)
    sentry: SentrySettings = field(default_factory=SentrySettings)
    traces: TracesSettings = field(default_factory=TracesSettings)


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
