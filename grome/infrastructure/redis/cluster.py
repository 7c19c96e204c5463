"""A client of a Redis Cluster with the methods of redis-py's `Redis`, and a pool of connections for each node.

redis-py's own `RedisCluster` does not fit (docs/decisions/0026): its asyncio version has no pub/sub, raises where all
connections are in use, reads the map of slots anew at each fault of any command, and loses connections when it does.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Self, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline, PubSub
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from grome.infrastructure.redis.slots import Address, SlotMap, slot_of

OpenNode = Callable[[Address], Redis]
# The errors by which nodes answer while slots change hands: transient for the caller of a command.
CLUSTER_FAULTS: Final = (AskError, ClusterDownError, MovedError, TryAgainError)
_MAX_TRIES: Final = 4
_PAUSE_S: Final = 0.05
# The map of slots is read no more often than this, however many commands fail.
_READ_EVERY_S: Final = 0.1
_READ_TIMEOUT_S: Final = 0.5
# A command without a key goes to a node that has not failed for so long, if there is one.
_DISTRUST_S: Final = 5.0


class ClusterRedis(Redis):
    """Sends each command to the primary that has the slot of its keys.

    A command is repeated at another node if a node says that it does not have the slot, or if the node is gone and
    the slot has another primary by then. Without an answer in time it is not repeated. Until a replica takes over the
    slots of a primary that is gone, commands for these slots fail at once. Raises the same errors as `Redis`, and the
    errors in `CLUSTER_FAULTS`.
    """

    def __init__(self, seeds: Sequence[Address], open_node: OpenNode) -> None:
        self._seeds, self._open_node = seeds, open_node
        self._nodes: dict[Address, Redis] = {}
        self._slots = SlotMap([])
        self._is_stale = True
        # The node that took over a slot since the map was read: other nodes may not know of it yet.
        self._informed: Address | None = None
        # When nodes failed for the last time, on the monotonic clock.
        self._failed_at: dict[Address, float] = {}
        self._read_at = 0.0
        self._fault: Exception | None = None
        self._reading = asyncio.Lock()
        super().__init__(connection_pool=self._node(seeds[0]).connection_pool)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 -- the driver's
        """Close the connections to all nodes."""
        nodes, self._nodes, self._is_stale = self._nodes, {}, True
        for node in nodes.values():
            await node.aclose(close_connection_pool)

    async def initialize(self) -> Self:
        """Read the map of slots, if that is due. Raises RedisConnectionError if no node answers."""
        if self._is_stale:
            await self._read_slots()
        return self

    async def find_silent_primaries(self) -> tuple[int, int]:
        """Return the numbers of primaries, and of primaries that do not answer. Raises RedisError if no node does."""
        await self._read_slots()
        primaries = self._slots.primaries
        answers = await asyncio.gather(
            *(cast("Awaitable[bool]", self._node(primary).ping()) for primary in primaries), return_exceptions=True
        )
        return len(primaries), sum(isinstance(answer, Exception) for answer in answers)

    def pubsub(self, **options: Any) -> PubSub:  # noqa: ANN401 -- the driver's
        """Subscribe at any node: a cluster hands each message to all of its nodes."""
        node = random.choice(self._slots.primaries or self._seeds)  # noqa: S311 -- spreads the subscribers
        return self._node(node).pubsub(**options)

    def pipeline(
        self,
        transaction: bool = True,  # noqa: FBT001, FBT002 -- the driver's
        shard_hint: str | None = None,  # noqa: ARG002 -- the driver's
    ) -> Pipeline:
        """Collect commands for several nodes. Raises ValueError for a transaction, which a cluster does not have."""
        if transaction:
            raise ValueError("A Redis Cluster has no transactions over several slots: use a script.")
        return _ClusterPipeline(self)

    async def execute_command(self, *command: Any, **options: Any) -> Any:  # noqa: ANN401 -- the driver's
        slot = slot_of(command)
        address = await self.locate(slot)
        tries_left = _MAX_TRIES
        while True:
            tries_left -= 1
            try:
                return await self._node(address).execute_command(*command, **options)  # type: ignore[no-untyped-call]
            except CLUSTER_FAULTS as fault:
                if not tries_left:
                    raise
                if isinstance(fault, AskError) and not isinstance(fault, MovedError):
                    return await self._ask(Address(fault.host or address.host, fault.port), command, options)
                address = await self._redirect(slot, address, fault)
            except RedisTimeoutError:
                self._distrust(address)
                raise
            except RedisConnectionError:
                self._distrust(address)
                other = await self.locate(slot)
                if not tries_left or other == address:
                    raise
                address = other

    async def locate(self, slot: int | None) -> Address:
        """Return the node of a slot; any node for None. Raises RedisConnectionError if no node has the slot."""
        await self.initialize()
        address = self._any_primary() if slot is None else self._slots.find_primary(slot)
        if address is None:
            self._is_stale = True
            raise RedisConnectionError(f"No node of the cluster has the slot {slot}.")
        return address

    async def run_at(self, address: Address, commands: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Send commands to a node at once, and return an answer or an error for each, in their order."""
        pipeline = self._node(address).pipeline(transaction=False)
        for command, options in commands:
            pipeline.execute_command(*command, **options)
        try:
            return await pipeline.execute(raise_on_error=False)
        except RedisError as fault:
            self._distrust(address)
            return [fault] * len(commands)

    def _any_primary(self) -> Address | None:
        trusted = [
            one for one in self._slots.primaries if time.monotonic() - self._failed_at.get(one, 0.0) > _DISTRUST_S
        ]
        return random.choice(trusted or self._slots.primaries or [None])  # noqa: S311 -- spreads the load

    async def _redirect(self, slot: int | None, address: Address, fault: Exception) -> Address:
        self._is_stale = True
        if isinstance(fault, MovedError):
            self._informed = Address(fault.host or address.host, fault.port)
            return self._informed
        await asyncio.sleep(_PAUSE_S)
        return await self.locate(slot)

    async def _ask(self, address: Address, command: Sequence[Any], options: dict[str, Any]) -> Any:  # noqa: ANN401 -- the driver's
        """Send a command to a node that is about to take over the slot."""
        answer = (await self.run_at(address, [(("ASKING",), {}), (command, options)]))[-1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    # ---- nodes and their slots

    def _node(self, address: Address) -> Redis:
        node = self._nodes.get(address)
        if node is None:
            node = self._nodes[address] = self._open_node(address)
        return node

    def _distrust(self, address: Address) -> None:
        self._is_stale, self._failed_at[address] = True, time.monotonic()

    async def _read_slots(self) -> None:
        """Read the map of slots from a node, unless that was done a moment ago.

        Raises the last node's error if no map was ever read.
        """
        async with self._reading:
            if time.monotonic() - self._read_at >= _READ_EVERY_S:
                self._fault = await self._ask_nodes_for_slots()
                self._read_at = time.monotonic()
        if not self._slots.primaries:
            fault = self._fault or RedisConnectionError("No node of the cluster has slots.")
            raise fault.with_traceback(None)  # each command would add its frames to the one error

    async def _ask_nodes_for_slots(self) -> Exception | None:
        """Ask nodes in turn, those that failed last at the end. Returns the last error if no node answers."""
        nodes = list({*self._slots.primaries, *self._seeds, *([self._informed] if self._informed else [])})
        random.shuffle(nodes)
        nodes.sort(key=lambda node: (self._failed_at.get(node, 0.0), node != self._informed))
        fault: Exception | None = None
        for address in nodes:
            try:
                async with asyncio.timeout(_READ_TIMEOUT_S):
                    reply = await self._node(address).execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
            except TimeoutError:
                fault = RedisTimeoutError(f"{address} does not say where the slots are")
            except RedisError as error:
                fault = error
            else:
                slots = SlotMap.parse(reply, address)
                if slots.primaries:
                    self._slots, self._is_stale, self._informed = slots, False, None
                    await self._leave_other_nodes()
                    return None
                continue
            self._distrust(address)
        return fault

    async def _leave_other_nodes(self) -> None:
        """Disconnect from nodes without slots, so that commands and subscriptions there begin anew elsewhere."""
        for address in self._failed_at.keys() - {*self._slots.primaries, *self._seeds}:
            del self._failed_at[address]
        for address in self._nodes.keys() - set(self._slots.primaries):
            if node := self._nodes.pop(address, None):
                await node.aclose()


class _ClusterPipeline(Pipeline):
    """Collects commands, and sends those of a node together. Commands of one slot are executed in their order."""

    def __init__(self, cluster: ClusterRedis) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, transaction=False, shard_hint=None)
        self._cluster = cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 -- the driver's
        """Return the answer to each command. Raises the first error, unless errors are to be returned as answers."""
        commands, self.command_stack = self.command_stack, []
        by_node = defaultdict[Address, list[int]](list)
        for number, (command, _) in enumerate(commands):
            by_node[await self._cluster.locate(slot_of(command))].append(number)
        answers: dict[int, Any] = {}
        for found in await asyncio.gather(*(self._run_at(node, commands, part) for node, part in by_node.items())):
            answers |= found
        for number in range(len(commands)):
            if raise_on_error and isinstance(answers[number], Exception):
                raise answers[number]
        return [answers[number] for number in range(len(commands))]

    async def _run_at(self, address: Address, commands: Sequence[Any], numbers: Sequence[int]) -> dict[int, Any]:
        """Send commands to a node, and repeat those that it does not have the slot for."""
        answers = dict(zip(numbers, await self._cluster.run_at(address, [commands[n] for n in numbers]), strict=True))
        for number, answer in answers.items():
            if isinstance(answer, (*CLUSTER_FAULTS, RedisConnectionError)):
                command, options = commands[number]
                try:
                    answers[number] = await self._cluster.execute_command(*command, **options)
                except RedisError as fault:
                    answers[number] = fault
        return answers
