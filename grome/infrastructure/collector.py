"""When Python searches for garbage: not during a start, and rarely afterwards."""

import gc


def collect_garbage_rarely() -> None:
    """Begin to collect, once a process has started; `grome.cli.main` turns collecting off.

    Objects loaded by now live as long as the process, so the collector need not scan them again. Requests and jobs
    create hardly any cycles, so it need not run after every few of them either.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
