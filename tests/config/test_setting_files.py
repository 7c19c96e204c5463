"""Values of settings in files, as containers get their secrets."""

from pathlib import Path

import pytest

from config.loading import load_settings
from config.settings import SettingsError
from tests.builders.keys import new_signing_key

KEY = "GROME_ACCOUNTS_SIGNING_KEY"


def faults(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    return refused.value.faults


def test_setting_is_read_from_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    pem, port = new_signing_key(), tmp_path / "port"
    (tmp_path / "key").write_text(pem + "\r\n")
    port.write_text("9000\n")
    settings = load_settings({f"{KEY}_FILE": str(tmp_path / "key"), "GROME_HTTP_PORT_FILE": str(port)})
    assert settings.accounts.signing_key == pem.rstrip()
    assert settings.http.port == 9000


def test_setting_in_the_environment_and_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(new_signing_key())
    told = faults({KEY: new_signing_key(), f"{KEY}_FILE": str(tmp_path / "key")})
    assert told == [f"{KEY} and {KEY}_FILE are both set."]


def test_file_that_cannot_be_read_is_reported_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"secret\xff")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        (fault,) = faults({f"{KEY}_FILE": str(path)})
        assert fault.startswith(f"{KEY}_FILE is {str(path)!r}, which cannot be read: ")
        assert "secret" not in fault
    (tmp_path / "key").write_text("no key, but a secret")
    (fault,) = faults({f"{KEY}_FILE": str(tmp_path / "key")})
    assert fault.startswith(f"{KEY} is not an Ed25519 private key")
    assert "but a secret" not in fault


def test_file_of_an_unknown_setting_is_refused() -> None:
    assert faults({"GROME_MONGO_URI_FILE": "/x"})[0].startswith("GROME_MONGO_URI_FILE is not a setting")
    assert faults({"GROME_ENV_FILE": "/x"})[0].startswith("GROME_ENV_FILE is not a setting")
