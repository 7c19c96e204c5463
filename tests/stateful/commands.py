"""Draw commands of customers, barbers and the clock.

A command is drawn as small numbers, and chooses its target from the state at its turn. A new command is a new class in
`COMMANDS`.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.stateful.actions import Command
from tests.stateful.queue_commands import CallUp, JoinQueue, JoinWaitlist, LeaveWaitlist
from tests.stateful.shop_commands import Override, PutRules, TakeTimeOff, Wait
from tests.stateful.visit_commands import AnswerProposal, Create, Forward, Late, Move, Rebook, Reschedule, Review, Tip

COMMANDS: list[tuple[int, type[Any]]] = [
    (12, Create),
    (1, Rebook),
    (10, Move),
    (12, Forward),
    (9, Reschedule),
    (7, AnswerProposal),
    (2, Tip),
    (8, Review),
    (2, PutRules),
    (1, Override),
    (1, TakeTimeOff),
    (3, JoinWaitlist),
    (1, LeaveWaitlist),
    (4, JoinQueue),
    (5, CallUp),
    (4, Late),
    (9, Wait),
]


ALONE = {Wait, Late}


_AIMS = ("shop", "offers", "nth", "start", "anywhere")


def drawn(numbers: Sequence[int]) -> list[Command]:
    """Draw commands reproducibly from numbers; 0, to which Hypothesis shrinks, stands for no command.

    In half of the concurrent steps, all commands have the same target.
    """
    dices = [Random(number) for number in numbers if number]  # noqa: S311 -- reproducible, and no secret
    commands = [_drawn(dice) for dice in dices]
    if len(commands) > 1:
        commands = [command for command in commands if type(command) not in ALONE]
    return [_beside(command, commands[0]) for command in commands] if sum(numbers) % 2 else commands


def _drawn(dice: Random) -> Any:
    [kind] = dice.choices([kind for _, kind in COMMANDS], [often for often, _ in COMMANDS])
    return kind.drawn(dice)


def _beside(command: Any, other: Any) -> Any:
    same = {name: getattr(other, name) for name in _AIMS if hasattr(command, name) and hasattr(other, name)}
    return replace(command, **same)


def course(least: int, most: int) -> st.SearchStrategy[list[list[int]]]:
    """Draw steps of one or several concurrent commands as numbers, so that Hypothesis can remove any command."""
    number = st.integers(0, 2**40)
    alone, together = st.lists(number, min_size=1, max_size=1), st.lists(number, min_size=2, max_size=6)
    return st.lists(st.one_of(alone, alone, together), min_size=least, max_size=most)
