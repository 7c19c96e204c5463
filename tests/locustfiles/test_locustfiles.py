"""Each scenario, run by Locust against a real Grome, and against a stand-in that does not keep its promises."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.locustfiles.stand_in import Json, StandIn, serving
from tests.support.eventually import START_PATIENCE_S
from tests.support.processes import RunningGrome

HERE = Path(__file__).parent
FILES = HERE.parents[1] / "locustfiles"
SECONDS = 40  # a run that has not done its steps by then is cut off, and the test says what is missing
# Far from every place where other tests have barbers.
LAT, LNG = -48.0, 100.0
SEARCH = "GET /v1/barbers/nearby"
FIRST_LOOK = f"{SEARCH} (first look)"
BOOK = "POST /v1/bookings"
READ = "GET /v1/bookings"

STEPS = {
    "nearby": {FIRST_LOOK, *(f"{SEARCH} ({why})" for why in ("busy corner", "anywhere", "narrowed", "next page"))},
    "booking": {
        *(f"{BOOK}{more}" for more in ("", ": slot_taken", " (same key again)", "/{id}/cancel")),
        *(READ, f"{READ}/{{id}}", "GET /v1/barbers/{id}/slots"),
    },
    "mixed_day": {
        *(f"{BOOK}{more}" for more in ("", "/{id}/accept", "/{id}/start", "/{id}/complete", "/{id}/cancel")),
        *(READ, f"{READ} (a barber's)", f"{READ}/{{id}}/history"),
        *(f"{SEARCH} (map)", f"{SEARCH} (a barber's own corner)"),
    },
    "live": {
        *(f"{BOOK}{more}" for more in ("", "/{id}/accept", "/{id}/cancel")),
        *(f"LIVE {row}" for row in ("connect", "event seen", "reconnect", "resume")),
        *("LIVE message acknowledged", "LIVE read acknowledged"),
    },
}


@dataclass(frozen=True)
class Ended:
    """The result of a run: requests and failures by row name."""

    code: int
    requests: dict[str, int]
    failures: dict[str, int]
    printed: str


@dataclass(frozen=True)
class Started:
    """A run that goes on while others are started."""

    process: subprocess.Popen[str]
    folder: Path

    def end(self) -> Ended:
        printed, _ = self.process.communicate(timeout=SECONDS + START_PATIENCE_S)
        rows = json.loads((self.folder / "stats.json").read_text())
        requests = {f"{row['method']} {row['name']}": row["num_requests"] for row in rows}
        failures = {f"{row['method']} {row['name']}": row["num_failures"] for row in rows if row["num_failures"]}
        return Ended(self.process.returncode, requests, failures, printed)


def start(folder: Path, scenario: str, url: str, *more: str, users: int, until: set[str]) -> Started:
    """From a folder of its own, so that nothing depends on where Locust is started."""
    folder.mkdir()
    files = f"{FILES / scenario}.py,{HERE / 'hurry.py'}"
    argv = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        files,
        "--headless",
        "--host",
        url,
        "-u",
        str(users),
        "-r",
        str(users),
    ]
    argv += ["-t", f"{SECONDS}s", "--json-file", str(folder / "stats"), "--until", *sorted(until), *more]
    process = subprocess.Popen(
        argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return Started(process, folder)


@pytest.fixture
async def city(http: httpx.AsyncClient, container: Container) -> tuple[str, ...]:
    """Options that send people to a place where more barbers are than a page has, all in one outer quarter."""

    def opens(number: int) -> Awaitable[Barber]:
        place = {"lat": LAT + 0.05 + number / 1000, "lng": LNG}
        return barber(http, container, durations=(30, 45), location=place, timezone="Asia/Kolkata")

    await asyncio.gather(*(opens(number) for number in range(24)))
    return ("--lat", str(LAT), "--lng", str(LNG))


def test_every_scenario_against_a_correct_server_has_no_failures(
    running: RunningGrome, city: tuple[str, ...], tmp_path: Path
) -> None:
    """All scenarios run concurrently: actions of one must not look like faults to the others."""
    barbers = ("--config-users", '{"user_class_name": "Barber", "fixed_count": 4}')
    runs = {
        scenario: start(
            tmp_path / scenario,
            scenario,
            running.url,
            *city,
            *(barbers if scenario in {"live", "mixed_day"} else ()),
            users=12,
            until=steps,
        )
        for scenario, steps in STEPS.items()
    }
    for scenario, ended in [(scenario, run.end()) for scenario, run in runs.items()]:
        assert (ended.code, ended.failures) == (0, {}), ended.printed
        assert STEPS[scenario] <= ended.requests.keys()


def test_scenario_with_a_wrong_response_fails_and_names_the_fault(tmp_path: Path) -> None:
    def unrated(items: list[Json]) -> list[Json]:
        return [{name: value for name, value in item.items() if name != "rating"} for item in items]

    with serving(StandIn(bend=lambda items: items[::-1])) as upside_down, serving(StandIn(bend=unrated)) as without:
        runs = [
            start(tmp_path / "upside_down", "nearby", upside_down, users=2, until={FIRST_LOOK}),
            start(tmp_path / "without", "nearby", without, users=2, until={FIRST_LOOK}),
        ]
        disordered, incomplete = [run.end() for run in runs]
    for run in (disordered, incomplete):
        assert run.code == 1
        assert list(run.failures) == [FIRST_LOOK], run.printed
    assert "the page does not ascend by distance" in disordered.printed
    assert "not a NearbyPage: Object missing required field `rating`" in incomplete.printed


def test_scenario_with_a_double_booking_fails(tmp_path: Path) -> None:
    overlap, repeat = f"{READ}/{{id}} (overlap)", f"{BOOK} (same key again)"
    with serving(StandIn()) as url:
        run = start(tmp_path / "twice", "booking", url, users=6, until={overlap, repeat}).end()
    assert run.code == 1
    assert run.failures.keys() == {overlap, repeat}, run.printed
    assert "two bookings of one barber overlap" in run.printed
    assert "a repeat under the same key got another answer" in run.printed


def test_scenario_renews_access_tokens_before_they_expire(tmp_path: Path) -> None:
    refresh = "POST /v1/auth/refresh"
    with serving(StandIn(expires_in=1)) as url:
        run = start(tmp_path / "short", "nearby", url, users=2, until={refresh, f"{SEARCH} (anywhere)"}).end()
    assert (run.code, run.failures) == (0, {}), run.printed
    assert run.requests[refresh] > 0
