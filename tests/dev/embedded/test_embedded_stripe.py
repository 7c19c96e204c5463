"""The local Stripe that `grome run` starts: it keeps its keys, port and objects, and ends with the others."""

from pathlib import Path

import httpx
import psutil

from grome.dev.embedded import EmbeddedServers, embedded_servers


def start(home: Path) -> EmbeddedServers:
    with embedded_servers(
        home, need_mongo=False, need_redis=False, stripe_webhook_url="http://127.0.0.1:9/v1/stripe/webhook"
    ) as servers:
        assert servers.stripe is not None
        customers = httpx.post(
            f"{servers.stripe.url}/v1/customers",
            headers={"Authorization": f"Bearer {servers.stripe.keys.secret_key}"},
            data={"name": "Ada"},
        )
        assert customers.status_code == 200, customers.text
        summary = httpx.get(f"{servers.stripe.url}/_control/summary").json()
        (home / "customers").write_text(str(summary["counts"]["customer"]))
    return servers


def test_local_stripe_keeps_keys_port_and_objects_across_runs(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    assert first.stripe == second.stripe
    assert (tmp_path / "customers").read_text() == "2"
    children = psutil.Process().children(recursive=True)
    assert not [child for child in children if any(str(tmp_path) in part for part in child.cmdline())]


def test_local_stripe_is_not_started_without_a_webhook(tmp_path: Path) -> None:
    with embedded_servers(tmp_path, need_mongo=False, need_redis=False) as servers:
        assert servers.stripe is None
    assert not (tmp_path / "stripe").exists()
