"""The local stand-in for Stripe as a process of its own; its keys stay the same in a home folder."""

import secrets
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grome.dev.embedded.ports import HOST
from grome.dev.embedded.process import ServerProcess


@dataclass(frozen=True, slots=True)
class StripeKeys:
    secret_key: str
    publishable_key: str
    webhook_secret: str


@dataclass(frozen=True, slots=True)
class EmbeddedStripe:
    """The address and the keys of the started server."""

    url: str
    keys: StripeKeys


def load_or_create_keys(home: Path) -> StripeKeys:
    """Return the keys of `home`, made at the first call. They open nothing but the local server."""
    file = home / "stripe" / "keys.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=StripeKeys)
    except (FileNotFoundError, msgspec.MsgspecError):  # the first run, or a file cut short by a crash
        made = StripeKeys(*(f"{kind}_{secrets.token_hex(12)}" for kind in ("sk_test_local", "pk_test_local", "whsec")))
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode(made))
        return made


def start_stripe(home: Path, port: int, webhook_url: str) -> ServerProcess:
    """Start the server without waiting for it."""
    keys = load_or_create_keys(home)
    options = {
        "port": str(port),
        "state": str(home / "stripe" / "state.sqlite"),
        "secret-key": keys.secret_key,
        "webhook-url": webhook_url,
        "webhook-secret": keys.webhook_secret,
    }
    command = [
        sys.executable,
        "-m",
        "grome.dev.local_stripe",
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    return ServerProcess(command, home / "log" / "stripe.log", explain)


def await_stripe(server: ServerProcess, port: int) -> str:
    """Wait until the server listens and return its URL. Raises CannotStart."""
    server.wait_until(lambda: _listens(port))
    return f"http://{HOST}:{port}"


def explain(lines: Sequence[str]) -> str:
    """Return the last line, which names the error of a Python program."""
    return lines[-1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
