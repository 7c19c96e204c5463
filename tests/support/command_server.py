"""The process that forks for each command of `tests/support/commands.py`.

It imports no module of a command: these read the width of the terminal from the environment.
"""

import os
import signal
import sys
import traceback

import msgspec

import grome.composition  # noqa: F401 -- most of what commands import
from grome.cli.main import main
from tests.support.commands import Request
from tests.support.eventually import START_PATIENCE_S


def serve() -> None:
    """Read a request from each line of the input, and write the exit codes."""
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line, type=Request)
        pid = os.fork()
        if not pid:
            _run(request)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(request: Request) -> None:
    """Run the command, and end this process."""
    signal.alarm(int(START_PATIENCE_S))
    os.environ.clear()
    os.environ.update(request.env)
    for number, path in enumerate((os.devnull, f"{request.folder}/out", f"{request.folder}/err")):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["grome", *request.words]
    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # noqa: BLE001 -- the interpreter reports it likewise
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve()
