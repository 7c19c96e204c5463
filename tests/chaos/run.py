"""Change bookings while processes and servers are killed in turn, then count each effect at its receiver.

`make storm` runs it for a minute, `make test` for some seconds.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import click
import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from config.loading import load_settings
from config.settings import Settings
from grome.composition import open_container
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.models import State
from grome.infrastructure.made_keys import with_made_keys
from grome.infrastructure.migrations import migrate
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord, Event
from grome.migrations import MIGRATIONS
from grome.notifications.channel_rules import RULES
from grome.notifications.email.folder import open_mailbox
from grome.notifications.email.message import safe_name
from grome.notifications.models import Channel, MessageKind, Notification
from grome.notifications.planner import plan_notifications
from grome.notifications.push import PushLog, open_pusher
from grome.notifications.reminders import Reminders
from grome.webhooks.models import WEBHOOK
from tests.builders.barbers import Barber, barber
from tests.builders.people import Person, create_admin, register
from tests.builders.receiver import Receiver, receiving
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.killing import kill_leader, kill_worker
from tests.support.processes import RunningGrome, running_grome
from tests.support.rooms import stored_events
from tests.support.servers import StoppableServer, own_mongod, own_valkey

# A booking has 2.75 changes on average, with its creation, so this is 20 bookings a second.
MOST_CHANGES_A_SECOND: Final = 55
DRAINED_WITHIN_S: Final = 300
JOB_WORKERS: Final = 2
_WRITERS: Final = 10
_AWAY_S: Final = 1.0  # how long a server is gone
_LIVES: Final = (("accept", "start", "complete"), ("accept", "cancel"), ("decline",), ("cancel",))


@dataclass(frozen=True)
class Count:
    """The expected, missing, doubled and unexpected effects of one kind."""

    what: str
    expected: int
    missing: int
    doubled: int
    unexpected: int = 0

    @classmethod
    def of(cls, what: str, expected: Iterable[Any], found: Iterable[Any]) -> "Count":
        wanted, got = set(expected), Counter(found)
        doubled = sum(times - 1 for times in got.values())
        return cls(what, len(wanted), len(wanted - got.keys()), doubled, len(got.keys() - wanted))

    @property
    def is_right(self) -> bool:
        return not (self.missing or self.doubled or self.unexpected)


@dataclass(frozen=True)
class Outcome:
    """The result. `redelivered` counts webhooks that were sent again, and dropped by their id."""

    counts: list[Count]
    killed: Counter[str]
    bookings: int
    drained_s: float
    redelivered: int

    def table(self) -> Table:
        table = Table("effect", "expected", "missing", "doubled", "unexpected", title="Exactly once at the receiver")
        for count in self.counts:
            figures = (count.expected, count.missing, count.doubled, count.unexpected)
            table.add_row(count.what, *(f"{figure:,}" for figure in figures))
        kills = ", ".join(f"{what} {times}" for what, times in sorted(self.killed.items()))
        table.caption = (
            f"{self.bookings:,} bookings; killed: {kills}; drained {self.drained_s:.0f} s after the last change; "
            f"{self.redelivered} webhooks were sent again and dropped by their id"
        )
        return table


async def storm(
    home: Path,
    seconds: int,
    seed: int,
    changes_a_second: int = 20,
    *,
    harm: "Harm | None" = None,
    receiver_pause_s: float = 0.0,
) -> Outcome:
    """Run the storm on servers of its own, and count the effects.

    Bookings change until `harm` returns; by default it kills everything in turn for so many seconds.
    """
    (home / "mongod").mkdir()
    (home / "valkey").mkdir()
    with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as redis:
        settings = settings_for(home, mongo.url, redis.url)
        await _migrate(settings)
        changed = {
            "GROME_JOBS_WORKERS": str(JOB_WORKERS),
            "GROME_WEBHOOKS_PRIVATE_ADDRESSES": "true",
            "GROME_LOG_LEVEL": "INFO",
        }
        changed |= dict.fromkeys(("GROME_MAIL_NEWS_A_DAY", "GROME_MAIL_UNVERIFIED_NEWS_A_DAY"), "1000000")
        async with receiving(receiver_pause_s) as receiver:
            with running_grome(settings, home, **changed) as grome:
                dice = random.Random(seed)  # noqa: S311 -- reproducible, and no secret
                run = Storm(settings, grome, mongo, redis, receiver, dice, changes_a_second)
                return await run.run(harm or partial(Storm.kill_in_turn, seconds=seconds))


def settings_for(home: Path, mongo_url: str, redis_url: str) -> Settings:
    base = with_made_keys(load_settings({"GROME_ENV": "test", "GROME_HOME": str(home)}), home)
    return msgspec.structs.replace(
        base,
        mongo=msgspec.structs.replace(base.mongo, url=mongo_url),
        redis=msgspec.structs.replace(base.redis, url=redis_url),
    )


async def _migrate(settings: Settings) -> None:
    async with _container(settings) as container:
        async for _ in migrate(container.database, MIGRATIONS, container.clock):
            pass


@asynccontextmanager
async def migrated_container(settings: Settings) -> AsyncIterator[Container]:
    """Apply all migrations, and open a container."""
    await _migrate(settings)
    async with _container(settings) as container:
        yield container


@asynccontextmanager
async def _container(settings: Settings) -> AsyncIterator[Container]:
    container = await open_container(settings)
    try:
        yield container
    finally:
        await container.close()


@dataclass
class Storm:
    """A Grome with changing bookings. `refused` counts answers and faults that made a writer repeat its request."""

    settings: Settings
    grome: RunningGrome
    mongo: StoppableServer
    redis: StoppableServer
    receiver: Receiver
    chance: random.Random
    changes_a_second: int
    ended: bool = False
    tokens: dict[UUID, str] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    async def run(self, harm: "Harm") -> Outcome:
        async with http_client(self.grome.url, timeout_s=10) as http:
            writers = await self._writers(http)
            tasks = [asyncio.create_task(writer.run(http, self)) for writer in writers]
            await harm(self)
            self.ended = True
            await asyncio.gather(*tasks)
        last_change = time.monotonic()
        async with _container(self.settings) as container:
            await until(lambda: self._is_drained(container), within_s=DRAINED_WITHIN_S)
            return await self._outcome(container, time.monotonic() - last_change)

    async def _writers(self, http: httpx.AsyncClient) -> list["_Writer"]:
        async with _container(self.settings) as container:
            boss, pause_s = await create_admin(http, container), _WRITERS / self.changes_a_second
            # From here on only visits more than two hours ahead get reminders; the visits of the storm are nearer.
            await container.get(Reminders).plan_due()
            answer = await http.post("/v1/webhooks/endpoints", json={"url": self.receiver.url}, headers=boss.auth)
            assert answer.status_code == 201, answer.text
            shops = [await barber(http, container, durations=(5,), timezone="UTC") for _ in range(_WRITERS)]
            return [_Writer(shop, await self._customer(http), pause_s) for shop in shops]

    async def _customer(self, http: httpx.AsyncClient) -> Person:
        device = str(uuid4())
        person = await register(http, device={"id": device})
        self.tokens[person.id] = f"token-{device}"
        path = f"/v1/me/devices/{device}/push-token"
        answer = await http.put(path, json={"token": self.tokens[person.id]}, headers=person.auth)
        assert answer.status_code == 204, answer.text
        return person

    # ---- killing

    async def kill_in_turn(self, seconds: int) -> None:
        """Kill each kind at least once, in random order, with pauses in between."""
        kinds: list[tuple[str, Callable[[], object]]] = [
            ("relay's leader", lambda: kill_leader(self.grome, self.chance)),
            ("job worker", lambda: kill_worker(self.grome, "Jobs", self.chance)),
            ("API worker", lambda: kill_worker(self.grome, "Server", self.chance)),
            ("Valkey", lambda: self._kill_server(self.redis)),
            ("mongod", lambda: self._kill_server(self.mongo)),
        ]
        until_s = time.monotonic() + seconds
        pause_s = min(2.0, seconds / len(kinds) / 2)
        while time.monotonic() < until_s or len(self.killed) < len(kinds):
            self.chance.shuffle(kinds)
            for what, kill in kinds:
                await asyncio.sleep(pause_s)
                await asyncio.to_thread(kill)
                self.killed[what] += 1
        await asyncio.sleep(pause_s)

    def _kill_server(self, server: StoppableServer) -> None:
        server.kill()
        time.sleep(_AWAY_S)
        server.start()

    # ---- counting

    async def _is_drained(self, container: Container) -> bool:
        """Return whether all subscribers of the relay have handled all events, and all jobs are done."""
        events, jobs = await _all_events(container), container.database["jobs"]
        recorded = await container.database["audit"].count_documents({"type": {"$regex": "^booking"}})
        sent = await jobs.count_documents({"kind": WEBHOOK.name, "payload.event_id": {"$in": _ids(events)}})
        notices = [notice.job_id for event in events for notice in plan_notifications(event)]
        told = await jobs.count_documents({"_id": {"$in": notices}})
        pending = await jobs.count_documents({"state": State.PENDING.value})
        return (recorded, sent, told, pending) == (len(events), len(events), len(notices), 0)

    async def _outcome(self, container: Container, drained_s: float) -> Outcome:
        events = await _all_events(container)
        booked = {event.id for event in events}
        notices = [
            notice
            for event in events
            for notice in plan_notifications(event)
            if not _goes_without_saying(event, notice)
        ]
        mails = [safe_name(notice.message_id) for notice in notices if Channel.EMAIL in RULES[notice.kind].channels]
        pushes = [
            (notice.message_id, self.tokens[notice.user_id])
            for notice in notices
            if Channel.PUSH in RULES[notice.kind].channels and notice.user_id in self.tokens
        ]
        pusher = open_pusher(self.settings, container.clock)
        assert isinstance(pusher, PushLog)
        sent = await open_mailbox(self.settings).list_newest(10**6)
        received = [UUID(webhook_id) for webhook_id in self.receiver.ids]
        audit = [record["_id"] async for record in container.database["audit"].find({}, {"_id": 1})]
        dead = await container.database["jobs"].count_documents({"state": {"$ne": State.DONE.value}})
        return Outcome(
            [
                Count.of("audit record", booked, booked & set(audit)),
                Count.of("live update", booked, await _live(container, events)),
                Count.of("mail", mails, [mail.name for mail in sent if "welcome" not in mail.name]),
                Count.of("push message", pushes, [(line.id, line.token) for line in await pusher.read()]),
                Count.of("webhook", booked, booked & set(received)),
                Count("job that failed for good", dead, 0, 0, dead),
            ],
            self.killed,
            len({event.subject_id for event in events}),
            drained_s,
            len(received) - len(set(received)),
        )


Harm = Callable[[Storm], Awaitable[None]]


def _ids(events: Iterable[Event]) -> list[str]:
    return [str(event.id) for event in events]


def _goes_without_saying(event: Event, notice: Notification) -> bool:
    """Return whether the notice is suppressed: the cancelling person gets only the costs, and there are none."""
    return notice.kind is MessageKind.BOOKING_CANCELLED and notice.user_id == event.actor_id


async def _all_events(container: Container) -> list[Event]:
    now = container.clock()
    stored = container.database[BOOKINGS].find({})
    changes = [ChangeRecord(BOOKINGS, document, None, now) async for document in stored]
    return [event for change in changes for event in PROJECTION.events_of(change)]


async def _live(container: Container, events: Sequence[Event]) -> list[UUID]:
    """Return the event ids in the rooms of all bookings; assert that each room is in order."""
    found: list[UUID] = []
    for booking_id in {event.subject_id for event in events}:
        told = [
            one for one in await stored_events(container, f"booking:{booking_id}") if one["type"].startswith("booking.")
        ]
        versions = [one["version"] for one in told]
        assert versions == sorted(versions)
        found += [UUID(one["id"]) for one in told]
    return found


def _soon() -> datetime:
    """Return a time at which a visit can be started at once; it is free again after the visit."""
    ahead = datetime.now(UTC) + timedelta(minutes=30)
    return ahead.replace(minute=ahead.minute // 5 * 5, second=0, microsecond=0)


@dataclass
class _Writer:
    """Makes bookings with its own barber and customer, and retries each request without a certain answer."""

    shop: Barber
    customer: Person
    pause_s: float
    made: int = 0

    async def run(self, http: httpx.AsyncClient, storm: Storm) -> None:
        day = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
        while not storm.ended:
            self.made += 1
            life = storm.chance.choice(_LIVES)
            start = _soon() if "start" in life else day + timedelta(minutes=5 * self.made)
            wanted = {"barber_id": self.shop.id, "service_ids": [self.shop.services[0][0]]}
            key = {"Idempotency-Key": str(uuid4()), **self.customer.auth}
            created = {**wanted, "scheduled_at": start.isoformat()}
            booking = await self._send(http, storm, "/v1/bookings", key, created)
            for action in life:
                who = self.customer if action == "cancel" else self.shop.person
                await self._send(http, storm, f"/v1/bookings/{booking['id']}/{action}", who.auth, None)

    async def _send(
        self,
        http: httpx.AsyncClient,
        storm: Storm,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any] | None,
    ) -> Any:
        while True:
            await asyncio.sleep(self.pause_s)
            try:
                answer = await http.post(path, json=body, headers=headers)
            except httpx.TransportError as error:
                storm.refused[type(error).__name__] += 1
                continue
            if answer.is_success:
                storm.changes += 1
                return answer.json()
            storm.refused[str(answer.status_code)] += 1
            in_flight = answer.status_code == 409 and answer.json()["code"] == "idempotency_key_in_flight"
            assert answer.status_code == 503 or in_flight, (path, answer.text)


@click.command()
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--rate", default=MOST_CHANGES_A_SECOND, show_default=True, type=click.IntRange(min=1), help="Changes a second."
)
@click.option("--seed", default=None, type=int, help="Seed of the order of kills.")
def main(seconds: int, rate: int, seed: int | None) -> None:
    """Kill processes and servers in turn while bookings change, and count the effects."""
    console = Console()
    seed = seed if seed is not None else random.randrange(10_000)  # noqa: S311 -- dice
    with tempfile.TemporaryDirectory(prefix="grome-storm-") as folder, console.status(f"{seconds} s, seed {seed} …"):
        outcome = asyncio.run(storm(Path(folder), seconds, seed, rate))
    console.print(outcome.table())
    sys.exit(0 if all(count.is_right for count in outcome.counts) else 1)


if __name__ == "__main__":
    main()
