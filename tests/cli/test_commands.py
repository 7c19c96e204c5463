"""The command line as a whole: its help is quick, its commands are found, and Ctrl-C ends it quietly."""

import signal
import socket
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from grome.cli.lazy_group import LazyCommand
from grome.cli.main import cli
from tests.support.eventually import START_PATIENCE_S


def test_help_imports_no_library_that_takes_long() -> None:
    script = (
        "import sys; from grome.cli.main import cli; cli(['--help'], standalone_mode=False);"
        " print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=START_PATIENCE_S
    )
    assert "doctor" in ended.stdout
    slow = {"sanic", "pymongo", "redis", "stripe", "numpy", "msgspec", "cryptography", "httpx", "rich", "jinja2"}
    assert not slow & set(ended.stderr.split())


@pytest.mark.parametrize("name", list(cli.commands))
def test_command_has_the_summary_of_the_list_and_texts_for_all_options(name: str) -> None:
    listed = cli.commands[name]
    assert isinstance(listed, LazyCommand)
    command = listed.load()
    assert command.name == name
    assert command.help is not None
    assert command.help.partition("\n\n")[0].replace("\n", " ") == listed.short_help
    parts = command.commands.values() if isinstance(command, click.Group) else [command]
    for part in parts:
        assert part.help
        for option in part.params:
            assert not isinstance(option, click.Option) or option.help, f"{part.name} {option.name}"


def test_unknown_command_is_refused_with_the_nearest_command() -> None:
    refused = CliRunner().invoke(cli, ["srve"])
    assert refused.exit_code == 2
    assert "Did you mean 'serve'?" in refused.output


def test_version_is_printed_with_the_name() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output.startswith("grome 0.")


def test_ctrl_c_ends_a_command_with_130_and_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(START_PATIENCE_S)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "grome", "demo", "--url", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=START_PATIENCE_S)
    assert process.returncode == 130
    assert errors.strip() == b""


def test_reader_that_leaves_ends_a_command_without_a_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "grome", "asyncapi"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=START_PATIENCE_S)
    assert process.returncode == 1
    assert errors == b""
