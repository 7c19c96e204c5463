"""Faults outside the code: a sentence with the remedy, exit code 2, and no traceback."""

import os
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from grome.cli.main import main
from tests.builders.keys import new_secrets_key, new_service_account, new_signing_key
from tests.support.app import apart
from tests.support.commands import run_command
from tests.support.processes import environment, free_port

KEYS = {"GROME_STRIPE_SECRET_KEY": "sk_test_1", "GROME_STRIPE_PUBLISHABLE_KEY": "pk_test_1"}
STRIPE = {**KEYS, "GROME_STRIPE_WEBHOOK_SECRETS": "whsec_1"}
FCM = {"GROME_PUSH_TRANSPORT": "fcm"}
SECRET = "s3cret-w0rd"

SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    "no number": ({"GROME_HTTP_PORT": "http"}, "GROME_HTTP_PORT is 'http': It must be a whole number from 1 to 65535."),
    "too large": ({"GROME_HTTP_WORKERS": "999"}, "GROME_HTTP_WORKERS is '999': It must be a whole number from 1 to"),
    "no fraction": ({"GROME_REDIS_TIMEOUT_S": "0"}, "GROME_REDIS_TIMEOUT_S is '0': It must be a number above 0, 60 at"),
    "no boolean": (
        {"GROME_HTTP_ACCESS_LOG": "perhaps"},
        "GROME_HTTP_ACCESS_LOG is 'perhaps': It must be true or false.",
    ),
    "wrong enum": (
        {"GROME_LOG_LEVEL": "warning"},
        "GROME_LOG_LEVEL is 'warning': It must be DEBUG, INFO, WARNING or ERROR. Did you mean WARNING?",
    ),
    "wrong environment": (
        {"GROME_ENV": "staging"},
        "GROME_ENV is 'staging': It must be development, test or production.",
    ),
    "empty": ({"GROME_HOME": ""}, "GROME_HOME is '': It must not be empty."),
    "wrong name": ({"GROME_HTTP_PROT": "80"}, "GROME_HTTP_PROT is not a setting; did you mean GROME_HTTP_PORT?"),
    "no file": (
        {"GROME_MONGO_URL_FILE": "/nowhere/url"},
        "GROME_MONGO_URL_FILE is '/nowhere/url', which cannot be read:",
    ),
    "key of no form": ({"GROME_ACCOUNTS_SIGNING_KEY": SECRET}, "GROME_ACCOUNTS_SIGNING_KEY is not an Ed25519 private"),
    "key cut off": (
        {"GROME_ACCOUNTS_SIGNING_KEY": new_signing_key()[:60]},
        "GROME_ACCOUNTS_SIGNING_KEY is not an Ed25519 private key in PEM",
    ),
    "key of no base64": ({"GROME_ACCOUNTS_PEPPER": f"1:{SECRET}"}, "GROME_ACCOUNTS_PEPPER is not a list of <number>:"),
    "keys of one number": (
        {"GROME_ACCOUNTS_SECRETS_KEYS": f"{new_secrets_key(1)},{new_secrets_key(1)}"},
        "GROME_ACCOUNTS_SECRETS_KEYS has two keys of the same number.",
    ),
    "MongoDB over HTTP": (
        {"GROME_MONGO_URL": "http://db:27017"},
        "GROME_MONGO_URL is not a URL of MongoDB: It must look",
    ),
    "MongoDB's password": (
        {"GROME_MONGO_URL": f"mongodb://ada:{SECRET}@x@db/"},
        "GROME_MONGO_URL cannot be read: It must look like",
    ),
    "MongoDB's port": (
        {"GROME_MONGO_URL": "mongodb://db:port/"},
        "GROME_MONGO_URL has a host or port that cannot be read",
    ),
    "Valkey over HTTP": (
        {"GROME_REDIS_URL": "http://cache"},
        "GROME_REDIS_URL is not a URL of Valkey or Redis: It must",
    ),
    "Valkey's port": ({"GROME_REDIS_URL": "redis://cache:66666"}, "GROME_REDIS_URL is not a URL of Valkey or Redis"),
    "Valkey's database": ({"GROME_REDIS_URL": "redis://cache/main"}, "GROME_REDIS_URL is not a URL of Valkey or Redis"),
    "Sentinels without a service": (
        {"GROME_REDIS_QUEUES_URL": "redis+sentinel://s1:26379,s2:26379"},
        "GROME_REDIS_QUEUES_URL cannot be read: Sentinels must look like",
    ),
    "cluster without queues": (
        {"GROME_REDIS_URL": "redis+cluster://n1:6379,n2:6379"},
        "GROME_REDIS_QUEUES_URL is not set: GROME_REDIS_URL names a Redis Cluster, which cannot hold job queues",
    ),
    "cluster for queues": (
        {"GROME_REDIS_QUEUES_URL": f"redis+cluster://x:{SECRET}@n1:6379"},
        "GROME_REDIS_QUEUES_URL names a Redis Cluster: It must name one server or Sentinels",
    ),
    "cluster with a database": (
        {"GROME_REDIS_URL": "redis+cluster://n1:6379/1", "GROME_REDIS_QUEUES_URL": "redis://q"},
        "GROME_REDIS_URL cannot be read: A Redis Cluster must look like",
    ),
    "Valkey's option": (
        {"GROME_REDIS_URL": f"redis://cache?x={SECRET}"},
        "GROME_REDIS_URL has an option that Grome does",
    ),
    "URL with a path": (
        {"GROME_HTTP_PUBLIC_URL": "https://api.example.com/"},
        "GROME_HTTP_PUBLIC_URL is 'https://api.example.com/': It must be scheme and host without a path",
    ),
    "URL with a wrong port": (
        {"GROME_HTTP_PUBLIC_URL": "https://a:99999"},
        "GROME_HTTP_PUBLIC_URL is not a URL: It must",
    ),
    "URL without a scheme": (
        {"GROME_STORAGE_URL": "s3.example.com"},
        "GROME_STORAGE_URL is not a URL: It must look like",
    ),
    "origin without a host": ({"GROME_LIVE_ORIGINS": "https://a,https://"}, "GROME_LIVE_ORIGINS is not a URL: It must"),
    "Stripe's key": (
        {**STRIPE, "GROME_STRIPE_SECRET_KEY": SECRET},
        "GROME_STRIPE_SECRET_KEY is not a secret key of Stripe",
    ),
    "Stripe's mode": (
        {**STRIPE, "GROME_STRIPE_PUBLISHABLE_KEY": "pk_live_1"},
        "GROME_STRIPE_SECRET_KEY is of the test mode and GROME_STRIPE_PUBLISHABLE_KEY of the live mode",
    ),
    "Stripe's secret": (
        {**KEYS, "GROME_STRIPE_WEBHOOK_SECRETS": SECRET},
        "GROME_STRIPE_WEBHOOK_SECRETS is not a list of signing secrets of Stripe",
    ),
    "no account": (FCM, "GROME_PUSH_SERVICE_ACCOUNT is not set: GROME_PUSH_TRANSPORT is fcm, which needs it."),
    "account of no JSON": (
        {**FCM, "GROME_PUSH_SERVICE_ACCOUNT": SECRET},
        "GROME_PUSH_SERVICE_ACCOUNT is not JSON: It is",
    ),
    "account without a field": (
        {**FCM, "GROME_PUSH_SERVICE_ACCOUNT": new_service_account(client_email=None)},
        "GROME_PUSH_SERVICE_ACCOUNT lacks the field client_email: It is",
    ),
    "account without a key": (
        {**FCM, "GROME_PUSH_SERVICE_ACCOUNT": new_service_account(private_key=SECRET)},
        "GROME_PUSH_SERVICE_ACCOUNT has a private_key that is not an RSA key in PEM",
    ),
    "demo keys in production": (
        {"GROME_ENV": "production"},
        "GROME_ACCOUNTS_SIGNING_KEY is not set: production does not make up a key of its own.",
    ),
    "no host of this machine": ({"GROME_HTTP_HOST": "nowhere.invalid"}, "GROME_HTTP_HOST is 'nowhere.invalid': "),
    "no URL for serve": (
        {"GROME_MONGO_URL": ""},
        "GROME_MONGO_URL is not set, and only `grome run` starts a server of",
    ),
}


def typed(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], *words: str) -> int:
    """Run a command as the console script does, in this process; return its exit code."""
    for name in [name for name in os.environ if name.startswith("GROME_")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["grome", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("fault", SETTINGS)
def test_command_with_a_faulty_setting_prints_its_sentence_and_exits_with_2(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environ, sentence = SETTINGS[fault]
    servers = {"GROME_MONGO_URL": "mongodb://127.0.0.1:1", "GROME_REDIS_URL": "redis://127.0.0.1:1"}
    servers = {name: url for name, url in servers.items() if f"{name}_FILE" not in environ}
    assert typed(monkeypatch, {"GROME_HOME": str(tmp_path), **servers, **environ}, "serve") == 2
    out, errors = capsys.readouterr()
    assert any(line.startswith(f"grome: {sentence}") for line in errors.splitlines()), errors
    assert "Traceback" not in errors
    assert SECRET not in out + errors


@pytest.mark.parametrize("content", [b"no key", b"\xff"])
def test_damaged_key_in_the_home_folder_is_reported_with_the_folder(
    content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "signing-key.pem").write_bytes(content)
    assert typed(monkeypatch, {"GROME_HOME": str(tmp_path)}, "doctor") == 2
    assert f"GROME_HOME, '{tmp_path}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "changed", "sentence"),
    [
        (
            "serve",
            {"GROME_MONGO_URL": "mongodb://127.0.0.1:1/", "GROME_MONGO_TIMEOUT_MS": "500"},
            "grome: MongoDB cannot be reached: 127.0.0.1:1: connection refused. Does it run",
        ),
        ("migrate", {"GROME_MONGO_URL": "{servers}/?replicaSet=others"}, "belongs to the replica set 'others'"),
        ("worker", {"GROME_MONGO_DATABASE": "grome-empty"}, "migrations to apply: run `grome migrate`."),
    ],
)
def test_command_on_unfit_servers_prints_one_sentence_and_exits_with_2(
    settings: Settings, tmp_path: Path, command: str, changed: dict[str, str], sentence: str
) -> None:
    servers = settings.mongo.url.partition("/?")[0]
    given = {name: value.replace("{servers}", servers) for name, value in changed.items()}
    given = {"GROME_HTTP_PORT": str(free_port()), "GROME_MONGO_TIMEOUT_MS": "3000", **given}
    ended = run_command(command, env=environment(apart(settings, "faults", 1), tmp_path, **given))
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert sentence in line


def test_demo_finds_the_grome_of_its_folder_and_a_port_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "api-url").write_text(f"http://127.0.0.1:{free_port()}")
    noted = {"GROME_HOME": str(tmp_path)}
    for environ, url in [
        (noted, (tmp_path / "api-url").read_text()),
        ({**noted, "GROME_HTTP_PORT": "9"}, "http://127.0.0.1:9"),
    ]:
        assert typed(monkeypatch, environ, "demo") == 1
        assert f"Nothing at {url} answers" in " ".join(capsys.readouterr().out.split())
