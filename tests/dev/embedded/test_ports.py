import socket
from pathlib import Path

import pytest

from grome.dev.embedded import CannotStart, embedded_servers
from grome.dev.embedded.ports import choose_ports


@pytest.mark.parametrize("server", ["mongo", "redis"])
def test_busy_port_is_reported_with_its_setting(tmp_path: Path, server: str) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(CannotStart) as refusal, embedded_servers(tmp_path, **{f"{server}_port": port}):
            pass
    assert str(refusal.value) == (f"Port {port} (GROME_{server.upper()}_PORT) cannot be used: Address already in use.")
    assert not (tmp_path / "log").exists()  # nothing was started


def test_same_port_for_both_servers_is_refused(tmp_path: Path, unused_ports: tuple[int, int]) -> None:
    port, _ = unused_ports
    with pytest.raises(CannotStart, match=rf"^Port {port} \(GROME_REDIS_PORT\) cannot be used: .*\.$"):
        choose_ports(tmp_path, {"mongo": port, "redis": port})


def test_ports_of_the_last_run_are_used_again(tmp_path: Path) -> None:
    first = choose_ports(tmp_path, {"mongo": None, "redis": None})
    assert first["mongo"] != first["redis"]
    assert choose_ports(tmp_path, {"redis": None}) == {"redis": first["redis"]}
    assert choose_ports(tmp_path, {"mongo": None, "redis": None}) == first


def test_port_of_the_last_run_that_is_busy_is_replaced(tmp_path: Path) -> None:
    last = choose_ports(tmp_path, {"mongo": None})["mongo"]
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", last))
        busy.listen()
        assert choose_ports(tmp_path, {"mongo": None})["mongo"] != last


def test_port_of_the_last_run_taken_by_the_other_server_is_replaced(tmp_path: Path) -> None:
    last = choose_ports(tmp_path, {"mongo": None})["mongo"]
    chosen = choose_ports(tmp_path, {"mongo": None, "redis": last})
    assert chosen["redis"] == last != chosen["mongo"]


def test_ports_file_that_is_truncated_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"mongo": 27')
    assert choose_ports(tmp_path, {"mongo": None})["mongo"] > 0
