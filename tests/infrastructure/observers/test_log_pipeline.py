"""Each field of a log line has a place of its type in the index template under deploy/logs/."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import httpx
import msgspec
import pytest
import yaml

from config.settings import Settings
from grome.accounts.service import AccountService
from grome.app import App
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.errors import PermanentJobError
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.logs import configure_logging, log_start
from tests.builders.people import PASSWORD, register
from tests.support.jobs import run_worker, wait_for_state

_LOGS: Final = Path(__file__).parents[3] / "deploy" / "logs"
_DYING: Final = JobKind("dying", Queue.URGENT, timeout_s=5, delays_s=())
_RENAME: Final = re.compile(r'\.([\w."@]+) = del\(\.(\w+)\)')
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("keyword", "match_only_text", "wildcard", "date"), str),
    **dict.fromkeys(("long", "short"), int),
    "float": (int, float),
}


def _template() -> dict[str, Any]:
    mappings: dict[str, Any] = json.loads((_LOGS / "index-template.json").read_text())["template"]["mappings"]
    return mappings


def _faults(line: dict[str, Any], mapping: dict[str, Any]) -> list[str]:
    """Return the fields of a renamed line that the mapping lacks, or has with another type."""
    source = yaml.safe_load((_LOGS / "vector.yaml").read_text())["transforms"]["fields"]["source"]
    renamed = {old: new.replace('"', "") for new, old in _RENAME.findall(source)}
    faults = []
    for name, value in line.items():
        place: Any = mapping
        for part in renamed.get(name, name).split("."):
            place = place.get("properties", {}).get(part, {})
        if value is not None and not isinstance(value, _TYPES.get(place.get("type", ""), ())):
            faults.append(f"{name}={value!r}")
    return faults


async def test_each_kind_of_line_fits_the_index_template(
    app: App,
    http: httpx.AsyncClient,
    container: Container,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail(_self: AccountService, *_given: object) -> NoReturn:
        raise RuntimeError

    async def die(_container: Container, _job: RunningJob) -> None:
        raise PermanentJobError("never")

    monkeypatch.setattr(AccountService, "login", fail)
    monkeypatch.setitem(app.config, "ACCESS_LOG_LINES", True)
    job = NewJob("pipeline:dying", _DYING, {})
    configure_logging(msgspec.structs.replace(settings.log, format="json", level="INFO"))
    try:
        log_start("test", "API worker")
        user = await register(http)
        await http.get("/v1/me", headers=user.auth)
        await http.get("/docs")
        await http.get("/nowhere")
        await http.post("/v1/auth/login", json={"email": user.email, "password": PASSWORD})
        await container.get(JobQueue).add(job)
        async with run_worker(container, {_DYING: die}):
            await wait_for_state(container, job, State.DEAD)
    finally:
        configure_logging(settings.log)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    mapping = _template()
    assert mapping["dynamic"] is False  # a field of a later release must not cost the line
    assert [fault for line in lines for fault in _faults(line, mapping)] == []
    assert {"exception", "job_kind", "version", "actor", "route", "ms"} <= {name for line in lines for name in line}
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)


def test_line_with_a_wrong_field_is_found() -> None:
    assert _faults({"level": "INFO", "status": "200", "misspelt": 1}, _template()) == ["status='200'", "misspelt=1"]
