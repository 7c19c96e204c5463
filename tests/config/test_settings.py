"""The tree of settings: its sources, and errors that name all faults at once."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest
from dotenv import dotenv_values

from config.loading import load_settings
from config.sections.accounts import AccountSettings, BarberSettings, LimitSettings
from config.sections.messages import SmsSettings
from config.settings import Settings, SettingsError, setting_fields
from tests.builders.keys import new_secrets_key, new_service_account, new_signing_key

FILES = sorted(Path("config").glob("*.env"))
KEY = new_signing_key()
SERVICE_ACCOUNT = new_service_account()
SECRETS_KEY, PEPPER = new_secrets_key(1), new_secrets_key(1)


def faults(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    assert str(refused.value) == "\n".join(refused.value.faults)
    return refused.value.faults


def test_settings_without_variables_are_the_development_defaults() -> None:
    settings = load_settings({})
    # Texts go to a log of this machine, an admin signs in with a password alone, and load comes from one address.
    no_limits = LimitSettings(**dict.fromkeys(LimitSettings.__struct_fields__, 10**7))
    accounts = AccountSettings(require_second_factor=False)
    barbers = BarberSettings(approval="automatic")
    relaxed = Settings(sms=SmsSettings(unverified=True), accounts=accounts, barbers=barbers, limits=no_limits)
    assert settings == relaxed
    assert (settings.env, settings.accounts.bcrypt_rounds, settings.accounts.access_ttl_s) == ("development", 12, 900)
    assert settings.accounts.idle_ttl_s == 30 * 24 * 60 * 60


def test_variables_set_their_fields_in_the_declared_types() -> None:
    settings = load_settings(
        {
            "GROME_HOME": "/elsewhere",
            "GROME_HTTP_PORT": "9000",
            "GROME_HTTP_ACCESS_LOG": "false",
            "GROME_REDIS_TIMEOUT_S": "0.5",
            "GROME_LOG_LEVEL": "ERROR",
            "GROME_BOOKINGS_ANSWER_WITHIN_MIN": "90",
            "PATH": "/bin",
            "grome_http_port": "1",
        }
    )
    assert (settings.home, settings.http.port, settings.http.access_log) == ("/elsewhere", 9000, False)
    assert (settings.redis.timeout_s, settings.log.level, settings.bookings.answer_within_min) == (0.5, "ERROR", 90)


@pytest.mark.parametrize(
    ("given", "api_base", "app_base"),
    [
        ({}, "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ({"PORT": "8123"}, "http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ({"HOST": "0.0.0.0", "PORT": "80"}, "http://127.0.0.1:80", "http://127.0.0.1:80"),  # noqa: S104 -- not bound
        ({"HOST": "::1"}, "http://[::1]:8000", "http://[::1]:8000"),
        ({"PUBLIC_URL": "https://api.example", "PORT": "9"}, "https://api.example", "https://api.example"),
        (
            {"PUBLIC_URL": "https://api.example", "APP_URL": "https://app.example"},
            *("https://api.example", "https://app.example"),
        ),
        ({"APP_URL": "https://app.example"}, "http://127.0.0.1:8000", "https://app.example"),
    ],
)
def test_links_without_a_public_url_begin_with_the_listening_address(
    given: dict[str, str], api_base: str, app_base: str
) -> None:
    http = load_settings({f"GROME_HTTP_{name}": value for name, value in given.items()}).http
    assert (http.api_base, http.app_base) == (api_base, app_base)


def test_all_invalid_settings_are_reported_together() -> None:
    told = faults(
        GROME_ENV="production",
        GROME_HTTP_PORT="http",
        GROME_HTTP_WORKERS="0",
        GROME_MONGO_DATABASE="no spaces",
        GROME_LOG_FORMAT="yaml",
        GROME_REDIS_TIMEOUT_S="nan",
        GROME_MONGO_URI="mongodb://localhost",
        GROME_ACCOUNTS_BCRYPT_ROUNDS="4",
    )
    assert sorted({fault.split()[0] for fault in told}) == [
        "GROME_ACCOUNTS_BCRYPT_ROUNDS",
        "GROME_ACCOUNTS_PEPPER",
        "GROME_ACCOUNTS_SECRETS_KEYS",
        "GROME_ACCOUNTS_SIGNING_KEY",
        "GROME_HTTP_PORT",
        "GROME_HTTP_PUBLIC_URL",
        "GROME_HTTP_WORKERS",
        "GROME_LOG_FORMAT",
        "GROME_MAIL_SENDER",
        "GROME_MONGO_DATABASE",
        "GROME_MONGO_URI",
        "GROME_REDIS_TIMEOUT_S",
    ]
    assert all(fault.endswith((".", "?")) for fault in told)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("GROME_HTTP_PORT", "0"),
        ("GROME_HTTP_PORT", "65536"),
        ("GROME_HTTP_PORT", "8000.5"),
        ("GROME_HTTP_ACCESS_LOG", "maybe"),
        ("GROME_HOME", ""),
        ("GROME_MONGO_DATABASE", "grome\n"),
        ("GROME_MONGO_DATABASE", "a" * 39),
        ("GROME_REDIS_TIMEOUT_S", "inf"),
        ("GROME_ACCOUNTS_ACCESS_TTL_S", "29"),
        ("GROME_LOG_LEVEL", "info"),
        ("GROME_ENV", "staging"),
        ("GROME_ENV", "../config/test"),
    ],
)
def test_invalid_setting_is_reported_with_its_value_and_description(variable: str, text: str) -> None:
    described = {leaf.variable: leaf.description for leaf in setting_fields()}
    (fault,) = faults(**{variable: text})
    assert fault.startswith(f"{variable} is {text!r}: ")
    assert fault.endswith(described[variable])


def test_unknown_variable_is_refused_with_the_nearest_known_variable() -> None:
    assert faults(GROME_MONGO_URI="x") == ["GROME_MONGO_URI is not a setting; did you mean GROME_MONGO_URL?"]
    assert faults(GROME_HTTP_PROT="1") == ["GROME_HTTP_PROT is not a setting; did you mean GROME_HTTP_PORT?"]
    assert faults(GROME_ZZZZZZZZZ="1") == ["GROME_ZZZZZZZZZ is not a setting."]


PRODUCTION = {
    "GROME_ENV": "production",
    "GROME_ACCOUNTS_SIGNING_KEY": KEY,
    "GROME_ACCOUNTS_SECRETS_KEYS": SECRETS_KEY,
    "GROME_ACCOUNTS_PEPPER": PEPPER,
    "GROME_HTTP_PUBLIC_URL": "https://api.grome.shop",
    "GROME_MAIL_SENDER": "Grome <no-reply@grome.shop>",
}
SAFE = [
    {"GROME_HTTP_PUBLIC_URL": "https://[2606:4700::1111]:8443"},
    {"GROME_HTTP_PUBLIC_URL": "https://localhost.grome.shop"},
    {"GROME_HTTP_CORS_ORIGINS": "https://app.grome.shop, https://admin.grome.shop"},
    {"GROME_MAIL_SECURITY": "none"},  # the mail server is on this machine
    {"GROME_PUSH_URL": "http://127.0.0.1:9000"},  # push messages go to the log
]
UNSAFE = [
    ({"GROME_ACCOUNTS_SIGNING_KEY": ""}, "GROME_ACCOUNTS_SIGNING_KEY is not set"),
    ({"GROME_ACCOUNTS_SECRETS_KEYS": ""}, "GROME_ACCOUNTS_SECRETS_KEYS is not set"),
    ({"GROME_ACCOUNTS_PEPPER": ""}, "GROME_ACCOUNTS_PEPPER is not set"),
    ({"GROME_ACCOUNTS_REQUIRE_SECOND_FACTOR": "false"}, "GROME_ACCOUNTS_REQUIRE_SECOND_FACTOR is off"),
    ({"GROME_BARBERS_APPROVAL": "automatic"}, "GROME_BARBERS_APPROVAL is 'automatic'"),
    ({"GROME_ACCOUNTS_BCRYPT_ROUNDS": "11"}, "GROME_ACCOUNTS_BCRYPT_ROUNDS is under 12"),
    ({"GROME_HTTP_PUBLIC_URL": "https://localhost:8000"}, "GROME_HTTP_PUBLIC_URL does not name a public host"),
    ({"GROME_HTTP_PUBLIC_URL": "https://127.0.0.1"}, "GROME_HTTP_PUBLIC_URL does not name a public host"),
    ({"GROME_HTTP_PUBLIC_URL": "https://10.0.0.7"}, "GROME_HTTP_PUBLIC_URL does not name a public host"),
    ({"GROME_HTTP_PUBLIC_URL": "https://[::1]:8000"}, "GROME_HTTP_PUBLIC_URL does not name a public host"),
    ({"GROME_HTTP_PUBLIC_URL": "https://grome.EXAMPLE."}, "GROME_HTTP_PUBLIC_URL does not name a public host"),
    ({"GROME_HTTP_PUBLIC_URL": "http://api.grome.shop"}, "GROME_HTTP_PUBLIC_URL is not https"),
    ({"GROME_MAIL_TRANSPORT": "folder"}, "GROME_MAIL_TRANSPORT is 'folder'"),
    ({"GROME_MAIL_SENDER": "Grome <no-reply@grome.invalid>"}, "GROME_MAIL_SENDER is not an address"),
    ({"GROME_MAIL_SENDER": "grome.shop"}, "GROME_MAIL_SENDER is not an address"),
    ({"GROME_MAIL_SECURITY": "none", "GROME_MAIL_HOST": "mail.grome.shop"}, "GROME_MAIL_SECURITY is 'none'"),
    (
        {
            "GROME_PUSH_TRANSPORT": "fcm",
            "GROME_PUSH_SERVICE_ACCOUNT": SERVICE_ACCOUNT,
            "GROME_PUSH_URL": "http://fcm.grome.shop",
        },
        "GROME_PUSH_URL is not https",
    ),
    ({"GROME_ACCOUNTS_PEPPER": SECRETS_KEY}, "GROME_ACCOUNTS_PEPPER repeats a secrets key"),
    ({"GROME_HTTP_APP_URL": "https://app.grome.test"}, "GROME_HTTP_APP_URL does not name a public host"),
    ({"GROME_HTTP_CORS_ORIGINS": "https://app.grome.shop,http://localhost:3000"}, "GROME_HTTP_CORS_ORIGINS has"),
    ({"GROME_LIVE_ORIGINS": "https://localhost"}, "GROME_LIVE_ORIGINS has an origin"),
    ({"GROME_HTTP_METRICS_TOKEN": "abababababababab"}, "GROME_HTTP_METRICS_TOKEN is weak"),
    ({"GROME_WEBHOOKS_PRIVATE_ADDRESSES": "true"}, "GROME_WEBHOOKS_PRIVATE_ADDRESSES is on"),
]


@pytest.mark.parametrize("given", [{}, *SAFE])
def test_production_with_safe_settings_is_accepted(given: dict[str, str]) -> None:
    settings = load_settings(PRODUCTION | given)
    assert (settings.env, settings.log.format, settings.accounts.signing_key) == ("production", "json", KEY)


@pytest.mark.parametrize(("given", "begins"), UNSAFE)
def test_production_with_an_unsafe_setting_is_refused(given: dict[str, str], begins: str) -> None:
    (fault,) = faults(**PRODUCTION | given)
    assert fault.startswith(begins)
    assert load_settings({name: value for name, value in given.items() if value} | {"GROME_ENV": "development"})


def test_production_without_variables_reports_every_unsafe_setting() -> None:
    told = faults(GROME_ENV="production")
    assert [fault.split()[0] for fault in told] == [
        "GROME_ACCOUNTS_SIGNING_KEY",
        "GROME_ACCOUNTS_SECRETS_KEYS",
        "GROME_ACCOUNTS_PEPPER",
        "GROME_HTTP_PUBLIC_URL",
        "GROME_HTTP_PUBLIC_URL",
        "GROME_MAIL_SENDER",
    ]


def test_settings_errors_contain_no_secret() -> None:
    told = faults(GROME_ACCOUNTS_SIGNING_KEY=KEY, GROME_HTTP_PORT="x")
    assert KEY not in "\n".join(told)


def test_every_setting_has_a_description_and_a_unique_variable() -> None:
    leaves = list(setting_fields())
    assert len(leaves) > 20
    assert len({leaf.variable for leaf in leaves}) == len(leaves)
    for leaf in leaves:
        assert leaf.description[0].isupper(), leaf.variable
        assert leaf.description.endswith("."), leaf.variable


def test_every_default_is_a_valid_value_of_its_setting() -> None:
    plain = msgspec.to_builtins(Settings())
    for leaf in setting_fields():
        value = plain
        for name in leaf.path:
            value = value[name]
        text = str(value).lower() if isinstance(value, bool) else str(value)
        assert msgspec.convert(text, leaf.type, strict=False) == value


def test_every_environment_has_a_settings_file() -> None:
    env = next(leaf for leaf in setting_fields() if leaf.variable == "GROME_ENV")
    assert {path.stem for path in FILES} == set(get_args(env.type.__origin__))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_settings_file_sets_only_known_fields_and_no_secret(path: Path) -> None:
    given = dotenv_values(path, interpolate=False)
    fields = {leaf.variable: leaf for leaf in setting_fields()}
    assert given
    assert set(given) <= set(fields)
    assert not any(fields[name].secret or "://" in (value or "") for name, value in given.items())
    for name, value in given.items():
        msgspec.convert(value, fields[name].type, strict=False)


def test_environment_variable_overrides_the_settings_file() -> None:
    assert load_settings({"GROME_ENV": "test"}).accounts.bcrypt_rounds == 4
    assert load_settings({"GROME_ENV": "test", "GROME_ACCOUNTS_BCRYPT_ROUNDS": "5"}).accounts.bcrypt_rounds == 5


def test_fcm_without_a_service_account_is_refused() -> None:
    (fault,) = faults(GROME_PUSH_TRANSPORT="fcm")
    assert fault.startswith("GROME_PUSH_SERVICE_ACCOUNT is not set")
    given = {"GROME_PUSH_TRANSPORT": "fcm", "GROME_PUSH_SERVICE_ACCOUNT": SERVICE_ACCOUNT}
    assert load_settings(given).push.transport == "fcm"
