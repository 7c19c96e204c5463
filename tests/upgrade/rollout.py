"""Serve with the old release, start this one beside it under load, end the old one, and go on."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from config.settings import Settings
from tests.chaos.run import settings_for
from tests.support.eventually import PATIENCE_S, until
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, free_port, running_command, without_settings
from tests.support.servers import own_mongod, own_valkey
from tests.upgrade.checks import Finding, check_database, compare_reads, read_acknowledged, refresh_old_sessions
from tests.upgrade.fleet import Caller, Expected, Fleet, Side
from tests.upgrade.release import Release
from tests.upgrade.stories import Contest, Pair, new_caller

OLD, NEW = "old", "new"
_SEED: Final = ("seed", "--city", "Berlin", "--barbers", "60", "--customers", "20")
_THIS: Final = (sys.executable, "-m", "grome")
_CLIENT_TIMEOUT_S: Final = 30.0
_FAULT: Final = re.compile(r'"(ERROR|CRITICAL)"|^Traceback')
_LINE: Final = 300
# Releases with fewer migrations answer 503 to a second quote with one promo code.
_ONE_HOLD_SINCE: Final = 5


@dataclass
class Outcome:
    """The requests of an upgrade, and the results of all checks after it."""

    release: Release
    fleet: Fleet
    sides: dict[str, Side]
    migrated_s: float
    told: dict[str, int]
    findings: list[Finding] = field(default_factory=list)


@dataclass
class Rollout:
    """One upgrade on servers of its own."""

    release: Release
    home: Path
    settings: Settings
    say: Callable[[str], None]
    fleet: Fleet = field(default_factory=Fleet)
    _documents: dict[str, Any] = field(default_factory=dict)

    async def run(self, seconds: int, pairs: int) -> Outcome:
        """Run each of the three phases for so long."""
        self.say("Seeding a city by the old release")
        self._command(OLD, *_SEED)
        self._documents = {name: json.loads(self._command(name, "openapi")) for name in (OLD, NEW)}
        async with AsyncExitStack() as new_runs, AsyncExitStack() as old_runs:
            self.fleet.phase, old = "old release alone", await old_runs.enter_async_context(self._side(OLD))
            self.fleet.sides = [old]
            people = [await Pair.open(self.fleet) for _ in range(pairs)]
            contest = await Contest.open(self.fleet)
            idle = await self._idle_sessions()
            crowd = Crowd(people, contest)

            async with crowd.busy():
                await self._wait(seconds)
                self.fleet.phase, began = "this release starts", time.monotonic()
                self.say("Starting this release, which migrates the database")
                new = await new_runs.enter_async_context(self._side(NEW))
                migrated_s = time.monotonic() - began
                self.fleet.phase, self.fleet.sides = "both releases", [old, new]
                await self._wait(seconds)
            self.say("Reading everything through both releases")
            findings = await compare_reads(self.fleet, old, new)

            async with crowd.busy():
                await self._wait(1)
                self.fleet.phase, self.fleet.sides = "old release ends", [new]
                await until(lambda: old.in_flight == 0)
                self.say("Ending the old release")
                await old_runs.aclose()
                self.fleet.phase = "this release alone"
                await self._wait(seconds)
            self.say("Checking what is stored")
            findings += await read_acknowledged(self.fleet)
            findings += await refresh_old_sessions(self.fleet, idle)
            findings += await check_database(self._container_settings(), self._verify)
        findings += [
            Finding(f"lines of level ERROR in the log of the {name} release", self._errors(name)) for name in (OLD, NEW)
        ]
        told = {name: sum(pair.told[name] for pair in people) for name in people[0].stories}
        told["five customers want one time"] = contest.times
        return Outcome(self.release, self.fleet, {OLD: old, NEW: new}, migrated_s, told, findings)

    async def _wait(self, seconds: float) -> None:
        self.say(f"{self.fleet.phase}: {seconds} s")
        await asyncio.sleep(seconds)

    async def _idle_sessions(self) -> list[Caller]:
        """Open sessions that are not used until the old release is gone."""
        callers = [new_caller(self.fleet) for _ in range(5)]
        for caller in callers:
            await caller.register("customer")
        return callers

    # ---- processes

    @asynccontextmanager
    async def _side(self, name: str) -> AsyncIterator[Side]:
        env = self._environment(name) | {"GROME_HTTP_PORT": str(free_port()), "GROME_HTTP_WORKERS": "1"}
        run = running_command([*self._program(name), "serve"], env, self._log(name))
        grome: RunningGrome = await asyncio.to_thread(run.__enter__)
        try:
            async with http_client(grome.url, _CLIENT_TIMEOUT_S) as http:
                yield Side(name, http, self._documents[name], self._announced(name))
        finally:
            await asyncio.to_thread(run.__exit__, None, None, None)

    def _announced(self, name: str) -> set[Expected]:
        announced = set()
        if name == OLD and not self.release.knows("secrets_keys"):
            announced |= {Expected.ACCESS, Expected.REFRESH}
        if name == OLD and self.release.migrations < _ONE_HOLD_SINCE:
            announced.add(Expected.QUOTE)
        return announced

    def _program(self, name: str) -> tuple[str, ...]:
        return (self.release.program,) if name == OLD else _THIS

    def _command(self, name: str, *arguments: str) -> str:
        command = [*self._program(name), *arguments]
        done = subprocess.run(command, env=self._environment(name), capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"grome: {' '.join(arguments)} of the {name} release failed: {done.stdout}{done.stderr}")
        return done.stdout

    def _verify(self) -> list[Finding]:
        found = []
        for arguments in (("ledger", "verify"), ("audit", "verify")):
            command = [*_THIS, *arguments]
            done = subprocess.run(command, env=self._environment(NEW), capture_output=True, text=True, check=False)
            found.append(
                Finding(f"grome {' '.join(arguments)}", [done.stdout + done.stderr] if done.returncode else [])
            )
        listed = self._command(NEW, "migrate", "--list")
        missing = [line for line in listed.splitlines() if "missing" in line]
        return [*found, Finding("migrations that are not applied", missing)]

    def _environment(self, name: str) -> dict[str, str]:
        accounts = self._container_settings().accounts
        keys = {"secrets_keys": accounts.secrets_keys, "pepper": accounts.pepper}
        known = {setting: key for setting, key in keys.items() if name == NEW or self.release.knows(setting)}
        return {
            **without_settings(os.environ),
            "GROME_ENV": "test",
            "GROME_HOME": str(self.home),
            "GROME_MONGO_URL": self.settings.mongo.url,
            "GROME_REDIS_URL": self.settings.redis.url,
            "GROME_ACCOUNTS_SIGNING_KEY": accounts.signing_key,
            "GROME_LOG_FORMAT": "json",
            **{f"GROME_ACCOUNTS_{setting.upper()}": key for setting, key in known.items()},
        }

    def _container_settings(self) -> Settings:
        """Return entries `0` for a release without numbered keys, as docs/operations/keys.md describes."""
        accounts = self.settings.accounts
        numbered = {"secrets_keys": accounts.secrets_keys, "pepper": accounts.pepper}
        keys = {name: key if self.release.knows(name) else f"0,{key}" for name, key in numbered.items()}
        return msgspec.structs.replace(self.settings, accounts=msgspec.structs.replace(accounts, **keys))

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def _errors(self, name: str) -> list[str]:
        lines = self._log(name).read_text().splitlines()
        return [line[:_LINE] for line in lines if _FAULT.search(line)]


@dataclass
class Crowd:
    """All pairs and the rivals. They end the stories that they have begun."""

    pairs: list[Pair]
    contest: Contest
    _is_over: bool = False

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        self._is_over = False
        people = (*self.pairs, self.contest)
        tasks = [asyncio.create_task(each.run(lambda: self._is_over)) for each in people]
        try:
            yield
        finally:
            self._is_over = True
            await asyncio.wait_for(asyncio.gather(*tasks), 3 * PATIENCE_S)


async def upgrade(release: Release, home: Path, seconds: int, pairs: int, say: Callable[[str], None]) -> Outcome:
    """Upgrade from a release on servers of their own below `home`."""
    for folder in ("mongod", "valkey"):
        (home / folder).mkdir()
    with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as redis:
        settings = settings_for(home, mongo.url, redis.url)
        return await Rollout(release, home, settings, say).run(seconds, pairs)
