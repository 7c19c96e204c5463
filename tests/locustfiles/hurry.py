"""Passed to Locust after a scenario: users do not wait, and the run ends after the required steps."""

from argparse import ArgumentParser
from time import sleep

from gevent import spawn
from locust import between, events
from locust.env import Environment
from people import Person


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--until", nargs="+", help="Rows of the table, such as `GET /v1/bookings`.")


@events.init.add_listener  # type: ignore[untyped-decorator]
def end_when_done(environment: Environment, **_: object) -> None:
    options, runner = environment.parsed_options, environment.runner
    assert options
    assert runner

    def watch() -> None:
        while not set(options.until) <= {f"{method} {name}" for name, method in environment.stats.entries}:
            sleep(0.1)
        runner.quit()

    spawn(watch)


def hurry(people: type[Person]) -> None:
    people.wait_time = between(0.05, 0.2)
    for kind in people.__subclasses__():
        hurry(kind)


hurry(Person)
